// What njs_test.go measures: throttle.js in njs, the engine from which
// CloudFront's runtime descends, with the requests of every day and with the
// dearest that CloudFront would let through; and the least that anything which
// decides by gate and draw must do, one read of the store and one HMAC.
//
//	njs -p . cost.js daily|hostile ROUNDS CALLS
//
// It measures all of them in turn, so many calls of each in each round, and prints
// a line `NAME: 1.234ms` for each of them and round. njs frees nothing before it
// ends, so a text of 20 KB is made once and not for each event.

import crypto from 'crypto';
import world from 'world.js';
import open from 'throttle.open.js';

const KEY = '01234567890123456789012345678901';
const NOW = 1772366400;
const GATE = {
  mode: 'throttle', admit: 0.5, salt: 'R5nIHF3bVXBluXWA', until: NOW + 600, stale: 0.05, switched: NOW - 3600,
  alone: ["/api/", "/healthz"], lang: ['en', 'es'], pass: 3600, sample: 10, keys: [[0, KEY, 0]],
};
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

// floor is what nothing can do without.
async function floor(event) {
  const request = event.request;
  const gate = await world.kvs().get('gate', { format: 'json' });
  crypto.createHmac('sha256', gate.salt).update(event.viewer.ip + '|' + request.headers['user-agent'].value).digest('hex');
  return request;
}

function pass(from, expires, renew) {
  const text = ['2', 0, 'd', expires, renew, from, 'VectorEXAMPLE_0123456789'].join('.');
  return text + '.' + crypto.createHmac('sha256', KEY).update(text).digest('hex').slice(0, 33);
}

function draws(ip) {
  return parseInt(crypto.createHmac('sha256', GATE.salt).update(ip + '|' + AGENT).digest('hex').slice(0, 8), 16) / 4294967296;
}

function address(lucky) {
  for (let i = 0; i < 256; i++) {
    if (draws('192.0.2.' + i) < GATE.admit === lucky) {
      return '192.0.2.' + i;
    }
  }
  throw new Error('no such address');
}

// event is a request, in the shape that CloudFront has documented. change alters
// it, and returns the query if it is another.
function event(ip, change) {
  const e = {
    version: '1.0',
    context: { distributionDomainName: 'd111111abcdef8.cloudfront.net', distributionId: 'EDFDVBD6EXAMPLE', eventType: 'viewer-request', requestId: 'EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==' },
    viewer: { ip: ip },
    request: {
      method: 'GET', uri: '/apply', querystring: { state: { value: 'OH' } },
      headers: {
        accept: { value: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8' },
        'accept-encoding': { value: 'gzip, deflate, br' }, 'accept-language': { value: 'es-US,es;q=0.9,en;q=0.8' }, host: { value: 'www.example.com' },
        'sec-ch-ua-mobile': { value: '?0' }, 'sec-fetch-dest': { value: 'document' }, 'sec-fetch-mode': { value: 'navigate' }, 'sec-fetch-site': { value: 'none' },
        'upgrade-insecure-requests': { value: '1' }, 'user-agent': { value: AGENT },
      },
      cookies: { session: { value: 'abc' }, consent: { value: 'yes' } },
    },
  };
  const query = (change && change(e.request)) || 'state=OH';
  Object.defineProperty(e.request, 'rawQueryString', { value: () => query, enumerable: false });
  return e;
}

// first seals a pass of version 1, and forged changes the last character of its MAC.
function first(text) {
  return text + '.' + crypto.createHmac('sha256', KEY).update(text).digest('base64url').slice(0, 22);
}

const forged = (value) => value.slice(0, -1) + (value.slice(-1) === 'a' ? 'b' : 'a');

const many = (text, size) => text.repeat(Math.ceil(size / text.length)).slice(0, size);

function multi(value, n) {
  const all = [];
  for (let i = 0; i < n; i++) all.push({ value: value });
  return { value: value, multiValue: all };
}

// What a request is changed by: its path, query, a header, a cookie of ours.
const path = (uri) => (r) => { r.uri = uri; };
const query = (raw) => () => raw;
const header = (name, value) => (r) => { r.headers[name] = { value: value }; };
const held = (value) => (r) => { r.cookies['__Host-raincheck'] = { value: value }; };

// old is a browser that says nothing but its types.
const old = (accept) => (r) => { r.headers.accept = accept; delete r.headers['sec-fetch-dest']; delete r.headers['sec-fetch-mode']; };

function both(first, second) {
  return (r) => { first(r); return second(r); };
}

function parameters() {
  let q = '';
  for (let i = 0; q.length < 8000; i++) q += 'p' + i + '=1&';
  return q;
}

// hostile are requests of 8 KB of URL and 20 KB of headers, as CloudFront takes.
const hostile = {
  '1,000 parameters': query(parameters()),
  '?&a&a…': query(many('&a', 8180)),
  '?&…': query(many('?&', 8180)),
  'percent signs': both(path('/' + many('%', 8180)), query(many('%2', 8180))),
  'a long path': path('/' + many('a', 8180)),
  'a long path and query that just fit': both(path('/' + many('%41', 600)), query(many("'()*!", 420))),
  '1,000 letters beyond ASCII': both(path('/' + many('é', 1000)), query(many('é', 1000))),
  'letters between': both(path('/' + many('aé', 1000)), query(many('a\u6c34', 1000))),
  'an exempt path of slashes': path('/api/' + many('a/', 1019)),
  'an exempt path of dots': path('/api/' + many('./a', 1019)),
  'an exempt path of percent signs': path('/api/' + many('%', 1019)),
  'an exempt path of escapes': path('/api/' + many('%2', 1019)),
  'an exempt path of spaces': path('/api/' + many('%20', 1019)),
  'an exempt path of 8 KB': path('/api/' + many('%20', 8000)),
  'the room of escapes': path('/waiting-room/' + many('%20', 486) + '%41'),
  'the room at 8 KB': path('/waiting-room/' + many('%4', 8000)),
  '/.well-known/ of escapes': path('/.well-known/' + many('%5', 1010)),
  '1,800 types': old(multi('text/html', 1800)),
  'types of 20 KB': old({ value: many('a/b,', 20000) }),
  'a type of spaces': old({ value: 'text/html' + many(' ', 20000) }),
  'languages of 20 KB': header('accept-language', many('xx-yy;q=0.1,', 20000)),
  'a language of hyphens': header('accept-language', many('a-', 20000)),
  'a language of spaces': header('accept-language', many(' ', 20000)),
  'a browser of 20 KB': header('user-agent', many('bing google http ot ', 20000)),
  'a browser beyond ASCII': header('user-agent', many('Żó', 10000)),
  '100 bad passes': (r) => { r.cookies['__Host-raincheck'] = multi(pass(NOW, NOW + 3600, NOW).slice(0, -1) + 'g', 100); },
  'a pass of 20 KB': held(many('2.0.d.', 20000)),
  '1,000 cookies': (r) => { for (let i = 0; i < 1000; i++) r.cookies['c' + i] = { value: '1' }; },
  '400 headers': (r) => { for (let i = 0; i < 400; i++) r.headers['x-' + i] = { value: 'x' }; },
};

// worst are requests that are hostile in all ways at once: with each path and
// query two passes that are forged in the last character, an address of IPv6, a
// browser that says nothing but its types and calls itself a robot or not, and
// more languages than are read, none of which anybody knows.
const worst = {};
const badPasses = multi(forged(first(['1', 0, 'd', NOW + 3600, NOW, many('V', 64)].join('.'))), 40);
[
  ['escapes up to a dot', '/api/' + many('%20', 1011) + '%2e', many('%20', 420)],
  ['escapes', '/api/' + many('%20', 600) + '%2e', many('%20', 400)],
  ['letters', '/api/' + many('é', 120), many('é', 120)],
  ['letters, more of them', '/api/' + many('é', 240), many('é', 700)],
  ['1,000 letters', '/api/' + many('é', 1000), many('é', 1000)],
  ['a letter at the end', '/api/' + many('a', 240) + 'é', many('a', 700) + 'é'],
  ['a letter at the end of a long path', '/api/' + many('a', 1000) + 'é', many('a', 1000) + 'é'],
  ['slashes', many('/a', 1000), ''],
  ['a semicolon at the end', '/api/' + many('a', 600) + ';', many('a', 410)],
].forEach((one) => {
  worst[one[0]] = (r) => {
    r.uri = one[1];
    r.cookies['__Host-raincheck'] = badPasses;
    for (let i = 0; i < 60; i++) r.headers['x-' + i] = r.cookies['c' + i] = { value: 'x' };
    old({ value: 'text/html' + many(' ', 1000) })(r);
    r.headers['accept-language'] = { value: many('x-y-z-w;q=0.1,', 2000) };
    r.headers['user-agent'] = { value: many('+https://b o t ', 2000) };
    return one[2];
  };
});

const out = address(false);

// Under the strict mode /apply is strict, and every path that is not plain.
const modes = { throttle: {}, strict: { strict: ['/apply'] }, open: { mode: 'open' }, hold: { mode: 'hold', admit: 0, until: 0 }, closed: { admit: 0 }, 'strict and closed': { admit: 0, strict: many('/long/prefix/,', 112).split(',').concat('/a') } };

const turnedAway = { name: 'turned away', mode: 'throttle', ip: out };

// daily are the floor and the four ways of a page.
const daily = [
  { name: 'floor', mode: 'throttle', ip: out, call: floor },
  { name: 'returning', mode: 'throttle', ip: out, change: held(pass(NOW - 60, NOW + 3540, NOW + 1740)) },
  { name: 'renewed', mode: 'throttle', ip: out, change: held(pass(NOW - 2000, NOW + 1600, NOW - 200)) },
  { name: 'admitted', mode: 'throttle', ip: address(true) },
  turnedAway,
];

// allHostile are the hostile requests in each mode, and a turn-away.
function allHostile() {
  const all = [turnedAway];
  ['throttle', 'strict', 'open'].forEach((mode) => Object.keys(hostile).forEach((kind) => {
    all.push({ name: mode + ', ' + kind, mode: mode, ip: out, change: hostile[kind] });
  }));
  ['hold', 'closed', 'strict and closed', 'open'].forEach((mode) => Object.keys(worst).forEach((kind) => {
    all.push({ name: mode + ', all at once, ' + kind, mode: mode, ip: '2001:db8:1:2:3:4:5:6', change: worst[kind] });
  }));
  return all;
}

async function measure(cases, rounds, calls) {
  for (let i = 0; i < rounds * cases.length; i++) {
    const c = cases[i % cases.length];
    const call = c.call || open;
    const said = world.set({ now: NOW, gate: JSON.stringify(Object.assign({}, GATE, modes[c.mode])), base: null });
    const events = [];
    while (events.length < calls) {
      events.push(event(c.ip, c.change));
    }
    console.time(c.name);
    for (let j = 0; j < calls; j++) {
      await call(events[j]);
    }
    console.timeEnd(c.name);
    const errors = said.filter((line) => line.startsWith('rc-error'));
    if (errors.length) {
      throw new Error(c.name + ' reached the catch: ' + errors[0]);
    }
  }
}

measure(process.argv[2] === 'daily' ? daily : allHostile(), Number(process.argv[3]), Number(process.argv[4]));
