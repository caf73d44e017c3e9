// Puts random requests through throttle.js in njs. No request may reach the catch,
// which is a free pass or a closed site: what it prints is looked for.
//
//	njs -p . fuzz.js SEED TIMES

import crypto from 'crypto';
import world from 'world.js';
import open from 'throttle.open.js';
import hold from 'throttle.hold.js';

const KEY = '01234567890123456789012345678901';
const NOW = 1772366400;

let seed = Number(process.argv[2]);

// below returns a number from 0 to n - 1: a linear congruential generator (Park and
// Miller's constants).
function below(n) {
  seed = (seed * 48271) % 2147483647;
  return seed % n;
}

const pick = (of) => of[below(of.length)];

// Parts of what browsers send and of what nobody should. Half a character, which no
// URL can carry but a function could be shown, makes encodeURI throw.
const parts = ['/', '//', '..', '/./', '%', '%2', '%2e', '%2F', '%41', '%zz', '%C3%A9', '\\', ' ', '\t', '\n', '\u0000', '\u007f', 'é', '水', '\ud83d\ude00', '\ud800', '\udfff', '?', '&', '&a', '=', '#', ';', ',', 'q=0.5', ';q=', 'en', 'es-', '-', '*/*', 'text/html', 'json',
  'Googlebot http', 'prefetch', 'navigate', 'document', 'empty', 'waiting-room', '/waiting-room/', '/.well-known/', '/api/', '/account/', 'a', '.', '1.', '2.', '.0.', ':', '::', 'ffff', '192.0.2.1', '__proto__', 'constructor', '9999999999', '-1', 'NaN', '"', '<', '{', '}', '[', ']'];

function text() {
  let out = '';
  for (let n = below(pick([2, 4, 12])); n > 0; n--) {
    out += pick(parts);
  }
  return below(50) ? out : out.repeat(200).slice(0, 8000);
}

function pass() {
  const expires = NOW + pick([-1, 0, 1, 1700, 3600]);
  const one = below(2)
    ? ['1', 0, 'o', expires, NOW - 60, 'AbC_-9']
    : ['2', 0, 'd', expires, NOW + pick([-60, 60]), NOW - 60, 'AbC_-9'];
  const value = one.join('.');
  const mac = crypto.createHmac('sha256', KEY).update(value).digest(one[0] === '1' ? 'base64url' : 'hex').slice(0, one[0] === '1' ? 22 : 33);
  const sealed = value + '.' + mac;
  const at = below(sealed.length);
  return pick([sealed, sealed, text(), sealed.slice(0, at), sealed.slice(0, at) + pick(parts) + sealed.slice(at + 1)]);
}

function named(names) {
  const out = {};
  names.forEach((name) => {
    if (below(3)) {
      const all = [{ value: text() }, { value: text() }];
      out[name] = below(8) ? { value: all[0].value } : { value: all[0].value, multiValue: all };
    }
  });
  return out;
}

function event() {
  const headers = named(['user-agent', 'accept', 'accept-language', 'sec-purpose', 'sec-fetch-dest', 'sec-fetch-mode', 'access-control-request-method', 'x-raincheck', '__proto__']);
  const values = { accept: ['text/html', '*/*', 'application/json'], 'sec-fetch-dest': ['document', 'empty', 'image', 'iframe'], 'sec-fetch-mode': ['navigate', 'cors'], 'sec-purpose': ['prefetch', 'prefetch;prerender', '', ''] };
  Object.keys(values).forEach((name) => {
    if (below(2)) {
      headers[name] = { value: pick(values[name]) };
    }
  });
  const cookies = named(['session', 'constructor']);
  if (below(2)) {
    const all = [{ value: pass() }, { value: pass() }, { value: pass() }, { value: pass() }];
    cookies['__Host-raincheck'] = below(3) ? all[0] : { value: all[0].value, multiValue: all };
  }
  const e = {
    version: '1.0', context: { requestId: pick(['EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==', text(), '']) },
    viewer: { ip: pick(['192.0.2.1', '2001:db8::1', '::ffff:c000:201', '::', text()]) },
    request: { method: pick(['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PURGE']), uri: '/' + text(), querystring: {}, headers: headers, cookies: cookies },
  };
  const query = pick([undefined, '', text()]);
  Object.defineProperty(e.request, 'rawQueryString', { value: () => query, enumerable: false });
  return e;
}

// doc is a gate or a base as the inviter, or a hand in a hurry, writes one.
function doc(base) {
  const d = { mode: pick(['open', 'throttle', 'hold', 'observe']), admit: pick([0, 0.5, 1]), salt: 'R5nIHF3bVXBluWXA', until: NOW + pick([-1, 600]), stale: pick([0, 0.25]), switched: NOW - 60,
    alone: ['/api/'], strict: ['/account/'], lang: ['en', 'es', 'zh-hans'], pass: 3600, sample: pick([1, 10]), keys: [[0, KEY, 0]] };
  if (base) {
    d.failure = pick(['open', 'hold']);
  }
  // What a document may lack.
  ['until', 'stale', 'alone', 'strict', 'lang', 'salt', 'keys', 'pass', 'sample', 'admit'].forEach((field) => {
    if (!below(12)) {
      delete d[field];
    }
  });
  // Few are broken: an error costs njs as much as ten requests.
  return below(20) ? JSON.stringify(d) : pick([null, '{"mode":"open"}', '{"mode":"hold"}', '{"mode":"thro', 'null', '7']);
}

async function run(times) {
  const answers = {};
  for (let i = 0; i < times; i++) {
    const said = world.set({ now: NOW, gate: doc(false), base: doc(true) });
    const e = event();
    const answer = await pick([open, hold])(e);
    if (said.some((line) => !/^rc[12] \d+( \d+)?$/.test(line)) || said.length > 2) {
      throw new Error('request ' + i + ' makes throttle.js say ' + JSON.stringify(said));
    }
    const status = answer === e.request ? 'the site' : answer.statusCode;
    answers[status] = (answers[status] || 0) + 1;
  }
  world.print(JSON.stringify(answers));
}

run(Number(process.argv[3]));
