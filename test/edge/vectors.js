// Puts both CloudFront Functions through test/vectors/edge.json in njs, the
// engine from which CloudFront's runtime descends. njs_test.go lays the functions
// beside this file as modules, with the store's module.

import fs from 'fs';
import world from 'world.js';
import open from 'throttle.open.js';
import hold from 'throttle.hold.js';
import remember from 'remember.js';

// sorted writes a value with its keys in order, so that two can be compared.
function sorted(v) {
  if (v === null || typeof v !== 'object') {
    return JSON.stringify(v);
  }
  if (Array.isArray(v)) {
    return '[' + v.map(sorted).join(',') + ']';
  }
  return '{' + Object.keys(v).sort().map((k) => JSON.stringify(k) + ':' + sorted(v[k])).join(',') + '}';
}

async function run() {
  const vectors = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  let wrong = 0;
  for (let i = 0; i < vectors.length; i++) {
    const v = vectors[i];
    const said = world.set(v);
    const f = v.function === 'remember' ? remember : v.failure === 'hold' ? hold : open;
    const answer = await f(v.event);
    const got = sorted(answer) + sorted(said);
    const want = sorted(v.answer) + sorted(v.said);
    if (got !== want) {
      wrong++;
      // A few tell what is wrong; all of them would hide it.
      if (wrong <= 5) world.print(v.name + ':\n  want ' + want + '\n  got  ' + got);
    }
  }
  world.print('njs ' + process.argv[3] + ': ' + (vectors.length - wrong) + ' of ' + vectors.length + ' vectors hold');
  if (wrong || vectors.length < 50) {
    throw new Error(wrong + ' vectors differ');
  }
}

run();
