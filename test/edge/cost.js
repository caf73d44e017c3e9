// What njs_test.go measures: throttle.js in njs, the engine from which
// CloudFront's runtime descends, with the requests of every day and with the
// dearest that CloudFront would let through; and the least that anything which
// decides by gate and draw must do, one read of the store and one HMAC.

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

async function nothing(event) {
  return event.request;
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
  let query = 'state=OH';
  if (change) {
    query = change(e.request) || query;
  }
  Object.defineProperty(e.request, 'rawQueryString', { value: () => query, enumerable: false });
  return e;
}

function many(text, size) {
  let out = text;
  while (out.length < size) out += text;
  return out.slice(0, size);
}

function multi(value, n) {
  const all = [];
  for (let i = 0; i < n; i++) all.push({ value: value });
  return { value: value, multiValue: all };
}

// hostile are requests of 8 KB of URL and 20 KB of headers, as CloudFront takes.
const hostile = {
  '1,000 parameters': () => { let q = ''; for (let i = 0; i < 1000; i++) q += 'p' + i + '=1&'; return q.slice(0, 8000); },
  '?&a&a…': () => many('&a', 8180),
  '?&…': () => many('?&', 8180),
  'percent signs': (r) => { r.uri = '/' + many('%', 8180); return many('%2', 8180); },
  'a long path': (r) => { r.uri = '/' + many('a', 8180); },
  '1,000 letters beyond ASCII': (r) => { r.uri = '/' + many('é', 1000); return many('é', 1000); },
  'letters between': (r) => { r.uri = '/' + many('aé', 1000); return many('a\u6c34', 1000); },
  'an exempt path of slashes': (r) => { r.uri = '/api/' + many('a/', 1019); },
  'an exempt path of dots': (r) => { r.uri = '/api/' + many('./a', 1019); },
  'an exempt path of percent signs': (r) => { r.uri = '/api/' + many('%', 1019); },
  'an exempt path of escapes': (r) => { r.uri = '/api/' + many('%2', 1019); },
  'an exempt path of 8 KB': (r) => { r.uri = '/api/' + many('%20', 8000); },
  'the room at 8 KB': (r) => { r.uri = '/waiting-room/' + many('%4', 8000); },
  '/.well-known/ of escapes': (r) => { r.uri = '/.well-known/' + many('%5', 1010); },
  '1,800 types': (r) => { r.headers.accept = multi('text/html', 1800); delete r.headers['sec-fetch-dest']; delete r.headers['sec-fetch-mode']; },
  'types of 20 KB': (r) => { r.headers.accept = { value: many('a/b,', 20000) }; delete r.headers['sec-fetch-dest']; delete r.headers['sec-fetch-mode']; },
  'a type of spaces': (r) => { r.headers.accept = { value: 'text/html' + many(' ', 20000) }; delete r.headers['sec-fetch-dest']; delete r.headers['sec-fetch-mode']; },
  'languages of 20 KB': (r) => { r.headers['accept-language'] = { value: many('xx-yy;q=0.1,', 20000) }; },
  'a language of hyphens': (r) => { r.headers['accept-language'] = { value: many('a-', 20000) }; },
  'a language of spaces': (r) => { r.headers['accept-language'] = { value: many(' ', 20000) }; },
  'a browser of 20 KB': (r) => { r.headers['user-agent'] = { value: many('bing google http ot ', 20000) }; },
  'a browser beyond ASCII': (r) => { r.headers['user-agent'] = { value: many('Żó', 10000) }; },
  '100 bad passes': (r) => { r.cookies['__Host-raincheck'] = multi(pass(NOW, NOW + 3600, NOW).slice(0, -1) + 'g', 100); },
  'a pass of 20 KB': (r) => { r.cookies['__Host-raincheck'] = { value: many('2.0.d.', 20000) }; },
  '1,000 cookies': (r) => { for (let i = 0; i < 1000; i++) r.cookies['c' + i] = { value: '1' }; },
  '400 headers': (r) => { for (let i = 0; i < 400; i++) r.headers['x-' + i] = { value: 'x' }; },
};

const out = address(false);

const held = (value) => (request) => { request.cookies['__Host-raincheck'] = { value: value }; };

// normal are the four ways of a page.
const normal = {
  returning: () => event(out, held(pass(NOW - 60, NOW + 3540, NOW + 1740))),
  renewed: () => event(out, held(pass(NOW - 2000, NOW + 1600, NOW - 200))),
  admitted: () => event(address(true)),
  'turned away': () => event(out),
};

const modes = { throttle: {}, strict: { strict: ['/account/'] }, open: { mode: 'open' } };

// run calls one function many times with one kind of event, in one mode. The time
// that the process takes is measured from outside, and that of the function
// nothing is taken off.
async function run(name, mode, kind, calls) {
  const functions = { nothing: nothing, floor: floor, throttle: open };
  const said = world.set({ now: NOW, gate: JSON.stringify(Object.assign({}, GATE, modes[mode])), base: null });
  for (let i = 0; i < calls; i++) {
    await functions[name](normal[kind] ? normal[kind]() : event(out, hostile[kind]));
  }
  const errors = said.filter((line) => line.startsWith('rc-error'));
  if (errors.length) {
    throw new Error(kind + ' reached the catch: ' + errors[0]);
  }
}

if (process.argv[2] === 'list') {
  world.print(JSON.stringify(Object.keys(hostile)));
} else {
  run(process.argv[2], process.argv[3], process.argv[4], Number(process.argv[5]));
}
