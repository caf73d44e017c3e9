// throttle.js decides, on every request, whether it starts a visit and whether
// that visitor comes in now (CloudFront Function, viewer request, runtime
// cloudfront-js-2.0). pkg/gate has the same rules in Go, and shared vectors hold
// the two equal.
//
// An error that leaves this file answers 502 for the whole site. So everything
// stands inside one try, the store's handle too. An error inside it is a free
// pass or a closed site, so no request may cause one. A function that takes too
// long is throttled by CloudFront, which answers 503 for the whole site. So the
// work for a request is bounded, whatever it carries. In njs, from which the
// runtime descends, a regular expression that does not match costs as much as an
// HMAC, so none stands where most requests would fail it. Only what the runtime
// documents is used, and runtime_test.go refuses the rest.

import cf from 'cloudfront';
import crypto from 'crypto';

// FAILURE is joined in at deploy: what to do when the store says nothing, 'open'
// or 'hold'.
/* global FAILURE */
const HOLDS = FAILURE === 'hold';

const COOKIE = '__Host-raincheck';
const HEADER = 'x-raincheck';
const ROOM = '/waiting-room';
const ATTRIBUTES = '; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=';

// What shareOf returns is the share of new visitors to let in, 0
// to 1, as a plain number; and beside that one of these.
const UNREADABLE = -1; // the document says nothing
const EVERYONE = 2; // all come in, whatever they draw
const OBSERVE = 3; // OBSERVE + share: count by the share, and let everyone in

// What a request is for: see purpose. A preflight is 0.
const PAGE = 1;
const PREFETCH = 2;
const WORK = 3;
const ASSET = 4;

// What a page asks for first, and how the names of files end that are not pages.
const PAGES = ' text/html application/xhtml+xml */* ';
const FILES = ' avif css gif ico jpeg jpg js json mjs mp3 mp4 otf png svg ttf webm webmanifest webp woff woff2 ';
// ASCII without spaces and backslashes, and without semicolons. They match any
// text: as much of it as is so.
const PRINTABLE = /^[!-[\]-~]*/;
const PLAIN = /^[!-:<-[\]-~]*/;
// A percent sign that does not escape a character, or one that nobody needs to
// escape, a control character, a dot, a slash or a backslash; and ^ and |, which
// few do. What most escape comes first: each alternative costs where there are
// many escapes.
const ESCAPED = /%(?![89a-f][\da-f]|2[\da-c]|3[a-f]|[46]0|[57][bd])/i;

async function handler(event) {
  const request = event.request;
  // Who is kept out when nothing can be decided and FAILURE is hold.
  let kept = false;
  try {
    const headers = request.headers;
    const uri = request.uri;
    const cookies = request.cookies;

    // Whoever could send this header could choose the cookie that remember.js sets.
    delete headers[HEADER];
    // The room is never gated: its visitors would be redirected to it for ever.
    // Its requests keep the pass, because it reads the pass itself.
    const room = (uri + '/').startsWith(ROOM + '/');
    const exempt = room || uri.startsWith('/.well-known/');
    const clear = exempt && plain(uri);
    if (room && clear) {
      return request;
    }
    // The site never sees the pass. Where answers are cached by cookie, every pass
    // would be a cache key of its own.
    const held = cookies && cookies[COOKIE];
    if (held) {
      delete cookies[COOKIE];
    }
    const what = purpose(request.method, headers, uri);
    if (!what || clear || uri === '/robots.txt') {
      return request;
    }
    kept = HOLDS && what <= PREFETCH && !held;

    const now = Math.floor(Date.now() / 1000);
    const store = cf.kvs();
    let doc = null;
    let share = UNREADABLE;
    for (let i = 0; i < 2 && share < 0; i++) {
      // What throws is missing or cannot be read, and leaves share as it is.
      try {
        doc = await store.get(i ? 'base' : 'gate', { format: 'json' });
        share = shareOf(doc, now);
      } catch (e) {}
    }
    const ahead = what === PREFETCH;
    if (share < 0) {
      return kept ? turnAway(request, null, ahead || robot(text(headers['user-agent']))) : request;
    }
    // While nobody could be turned away, nothing is refused either. A path that is
    // not plain may lead anywhere. The inviter writes the prefixes in lower case.
    const closing = share < 1;
    const alone = within(uri, doc.alone);
    const guarded = (closing || share >= OBSERVE) && doc.strict;
    // To look twice would be dear.
    const straight = (alone || guarded) && !exempt && plain(uri);
    if (alone && straight) {
      return request;
    }
    const strict = guarded && (!straight || within(uri.toLowerCase(), guarded));

    if (held && doc.keys && (strict || what <= PREFETCH || (what === WORK && (held.multiValue || due(held.value, doc.pass, now))))) {
      const pass = goodPass(held, doc.keys, now);
      if (pass) {
        if (what !== ASSET && doc.pass && due(pass, doc.pass, now)) {
          give(headers, doc, pass[4], pass[0] === '2' ? pass.slice(28, -34) : pass.slice(17, -23), now);
        }
        return request;
      }
    }
    if (ahead) {
      return closing ? turnAway(request, null, true) : request;
    }
    if (strict) {
      if (chosen(0, event, doc.sample)) {
        console.log('rc2 ' + doc.sample);
      }
      if (closing) {
        return refuse(request, doc);
      }
    }
    return what === PAGE ? newcomer(event, doc, share, now, strict) : request;
  } catch (e) {
    console.log('rc-error ' + e);
    return kept ? answer(302, 'Found', 'location', ROOM) : request;
  }
}

// purpose says what a request is for. PAGE starts a visit. WORK is what somebody
// does on the site, frames included, since a payment comes back in one; it is not
// gated and renews a pass. An ASSET does neither.
function purpose(method, headers, uri) {
  // The runtime hides Upgrade. Every WebSocket has this header instead.
  if ((method !== 'GET' && method !== 'HEAD') || headers['sec-websocket-key']) {
    return method === 'OPTIONS' && headers['access-control-request-method'] ? 0 : WORK;
  }
  if (whole(headers['sec-purpose'] || headers.purpose).startsWith('prefetch')) {
    return PREFETCH;
  }
  const dest = whole(headers['sec-fetch-dest']);
  const mode = whole(headers['sec-fetch-mode']);
  // A page that a service worker passes on has the destination empty, as a fetch
  // and a download have. Chrome 76 to 79 say the mode and no destination.
  if (dest || mode) {
    const navigates = mode === 'navigate';
    const empty = dest === 'empty';
    return dest === 'document' || (navigates && (!dest || (empty && has(text(headers.accept), 'html')))) ? PAGE : navigates || empty ? WORK : ASSET;
  }
  const accept = text(headers.accept).toLowerCase();
  const first = accept.split(',', 1)[0].split(';', 1)[0].trim();
  const end = uri.slice(-12);
  if ((!first || lists(PAGES, first)) && !lists(FILES, end.slice(end.lastIndexOf('.') + 1).toLowerCase())) {
    return PAGE;
  }
  return has(accept, 'json') ? WORK : ASSET;
}

const lists = (list, word) => has(list, ' ' + word + ' ');

const has = (whole, part) => whole.indexOf(part) >= 0;

// within says whether a path begins with one of the prefixes.
const within = (uri, prefixes) => prefixes && prefixes.some((prefix) => uri.startsWith(prefix));

// plain says whether a path leads where its beginning says, and is at most 512
// characters long, since to find that out is dear: escaped, that is 85 letters of
// Cyrillic and 56 of Chinese. Browsers spell paths like that; servers read other
// spellings in different ways, and some take off a semicolon and what follows it.
const plain = (uri) =>
  uri.length <= 512 && only(PLAIN, uri) && !has(uri, '..') && !has(uri, '//') && !has(uri, '/./') && !(has(uri, '%') && ESCAPED.test(uri));

const only = (pattern, part) => pattern.exec(part)[0] === part;

// whole returns a header, which may have 20 KB, and text what is read of it where
// more than its beginning is.
const whole = (header) => (header ? header.value : '');
const text = (header) => whole(header).slice(0, 256);

// newcomer decides about somebody without a good pass, counts them, and gives a
// pass to whoever comes in. Who opened a strict path was counted there.
function newcomer(event, doc, share, now, strict) {
  const request = event.request;
  const headers = request.headers;
  const agent = text(headers['user-agent']);
  const bits = doc.salt ? number(hmac(doc.salt, network(event.viewer.ip) + '|' + agent, 'hex').slice(0, 13)) : 0;
  // 52 bits that are a visitor's for the life of the salt: the first 32 decide, and
  // the last 20 choose who is counted.
  const low = bits % 1048576; // 2^20
  const lucky = share === EVERYONE || (bits - low) / 4503599627370496 < (share < OBSERVE ? share : share - OBSERVE);
  const out = !lucky && share < EVERYONE;
  const machine = out && robot(agent);
  // One visit in n is counted, as n. A search engine that comes again is not.
  const n = doc.sample;
  if (!strict && !machine && chosen(low, event, n)) {
    console.log('rc1 ' + n + ' ' + (lucky ? n : 0));
  }
  if (out) {
    return turnAway(request, doc.lang, machine);
  }
  if (doc.pass) {
    give(headers, doc, 'd', now + '.' + event.context.requestId.slice(0, 24), now);
  }
  return request;
}

// chosen says whether this request is the one in n that is counted. It is chosen
// by bits of the draw that have no part in the answer, and by four characters of
// the request's id, so that whoever comes again is chosen again. The factor makes
// them alone an even choice for n up to 500 and for round numbers: under a strict
// path nothing is drawn.
function chosen(low, event, n) {
  const id = event.context.requestId;
  let sum = 0;
  for (let i = 7; i < 11; i++) {
    sum = sum * 26141 + (id.charCodeAt(i) || 0);
  }
  return (low + sum) % n === 0;
}

// shareOf returns the share that a gate lets in at now, or a base, which has the
// field failure, while gate is missing.
function shareOf(doc, now) {
  const mode = doc.failure || doc.mode;
  if (mode === 'open') {
    return EVERYONE;
  }
  if (!doc.salt || !doc.keys || !doc.pass || !doc.sample) {
    return UNREADABLE;
  }
  if (mode === 'observe') {
    return OBSERVE + (doc.admit || 0);
  }
  // A decision of the law that nobody renewed has run out. A hold has no end:
  // somebody meant it.
  if (mode === 'throttle') {
    return (doc.until && doc.until <= now ? doc.stale : doc.admit) || 0;
  }
  return mode === 'hold' ? (doc.failure && doc.stale) || 0 : UNREADABLE;
}

const hmac = (key, value, encoding) => crypto.createHmac('sha256', key).update(value).digest(encoding);

// network returns the IPv4 address, or the first 64 bits of an IPv6 address,
// because a device changes the rest at will.
function network(ip) {
  if (!has(ip, ':')) {
    return ip;
  }
  if (has(ip, '.')) {
    return ip.slice(ip.lastIndexOf(':') + 1);
  }
  let groups = ip.split(':', 4);
  if (has(groups, '') || has(groups, '0')) {
    const halves = ip.split('::');
    const all = halves[0].split(':');
    const tail = (halves[1] || '').split(':');
    while (all.length + tail.length < 8) {
      all.push('0');
    }
    groups = all.concat(tail);
  }
  const net = groups.slice(0, 4).map((group) => number(group).toString(16)).join(':');
  // An IPv4 address, written as IPv6.
  if (net === '0:0:0:0' && !number(groups[4]) && number(groups[5]) === 65535) {
    return groups.slice(6).map((group) => (number(group) >> 8) + '.' + (number(group) & 255)).join('.');
  }
  return net;
}

const number = (group) => parseInt(group, 16) || 0;

// goodPass returns the first good pass among what the cookie holds, or ''. The
// two forms are
//
//	1.<key id>.<kind>.<expires>.<first issue>.<id>.<MAC>
//	2.<key id>.<kind>.<expires>.<renew from>.<first issue>.<id>.<MAC>
//
// with key id and kind of one character each and expires and renew of ten.
function goodPass(held, keys, now) {
  const all = held.multiValue;
  for (let i = 0; i < (all ? 2 : 1); i++) {
    const value = all ? whole(all[i]) : held.value;
    for (let j = 0; j < keys.length; j++) {
      if (value[2] === '' + keys[j][0] && value.length <= 200 && expiry(value) > now) {
        if (sealed(value, keys[j][1])) {
          return value;
        }
        // What is forged of version 1 costs as much as three others. None is tried
        // after it.
        if (value[0] === '1') {
          return '';
        }
      }
    }
  }
  return '';
}

// sealed says whether a pass bears its right MAC. The runtime has no comparison
// in constant time. How long it takes to compare the HMACs of two values tells
// nothing of either. Nor does comparing two numbers, of 53 bits each: whoever has
// guessed those may learn the rest.
function sealed(value, key) {
  const old = value[0] === '1';
  const length = old ? 22 : 33;
  const from = value.length - length;
  const right = hmac(key, value.slice(0, from - 1), old ? 'base64url' : 'hex').slice(0, length);
  const given = value.slice(from);
  return value[from - 1] === '.' && (old ? hmac(key, right, 'hex') === hmac(key, given, 'hex') : parseInt(right, 16) === parseInt(given, 16)) && right === given;
}

const expiry = (pass) => parseInt(pass.slice(6), 10);

// due says whether a pass is to be renewed by now.
const due = (pass, life, now) => (pass[0] === '2' ? parseInt(pass.slice(17), 10) <= now : 2 * (expiry(pass) - now) <= life);

// give leaves the finished cookie where remember.js finds it. It is signed with
// the last key whose time has come, the newest. who is the time of the first issue
// and the id, as they stand in a pass.
function give(headers, doc, kind, who, now) {
  const keys = doc.keys || [];
  let key = null;
  for (let i = 0; i < keys.length; i++) {
    if (keys[i][2] <= now) {
      key = keys[i];
    }
  }
  if (key) {
    // A pass never lives longer than a day from its first issue.
    const last = parseInt(who, 10) + 86400;
    const expires = Math.min(now + doc.pass, last);
    // A pass that lives to the end of its day is not renewed again.
    const from = expires < last ? now + (doc.pass >> 1) : expires;
    const value = '2.' + key[0] + '.' + kind + '.' + expires + '.' + from + '.' + who;
    headers[HEADER] = { value: value + '.' + hmac(key[1], value, 'hex').slice(0, 33) + ATTRIBUTES + (expires - now) };
  }
}

// answer makes an answer that nobody keeps, with one more header. It is made each
// time: nobody promises that two requests never share what stands outside of the
// functions.
function answer(code, description, name, value) {
  const headers = { 'cache-control': { value: 'no-store' } };
  headers[name] = { value: value };
  return { statusCode: code, statusDescription: description, headers: headers };
}

const busy = (code) => answer(code, 'Busy', 'retry-after', '120');

// robot says whether a browser's name is that of a robot, as search engines write
// it: (compatible; examplebot/1.0; +http://www.example.com/bot.html). A service
// that watches whether the site is up leaves out the plus, and follows a redirect.
function robot(agent) {
  const name = has(agent, '+http') ? agent.toLowerCase() : '';
  return has(name, 'bot') || has(name, 'spider');
}

// turnAway answers with the way to the room. A machine that can come again is told
// to: what is fetched ahead, or for a search engine, must not be a redirect, which
// would be shown, or found, when the site has long been open.
const turnAway = (request, languages, machine) =>
  machine ? busy(503) : answer(302, 'Found', 'location', room(request, languages) + way(request));

// refuse answers a request under a strict path from somebody without a pass.
function refuse(request, doc) {
  const accept = text(request.headers.accept);
  const to = room(request, doc.lang);
  const json = has(accept, 'json') && !has(accept, 'html');
  const out = busy(429);
  out.headers['content-type'] = { value: json ? 'application/json' : 'text/html' };
  out.body = {
    encoding: 'text',
    data: json
      ? '{"error":"waiting_room","room":"' + to + '","join":"' + to + 'form.json"}'
      : '<!doctype html><html lang=en><title>Waiting room</title><h1>Many people are here now. <a href="' + to + way(request) + '">Go to the waiting room</a></h1>',
  };
  return out;
}

// room returns the room's address, in the visitor's language where the room's are
// known.
const room = (request, languages) => (languages && languages.length ? ROOM + '/' + language(text(request.headers['accept-language']), languages) + '/' : ROOM);

// language picks from the room's languages, the first of which is the default. It
// looks at six, which is more than most browsers send, and looks up eight tags:
// es-us, then es, and so on.
function language(accept, known) {
  let best = known[0];
  // Weights have at most three digits behind the point, and compare as text.
  let top = '0.000';
  let left = 8;
  const parts = accept.toLowerCase().split(',', 6);
  for (let i = 0; i < parts.length && top < '1'; i++) {
    const part = parts[i];
    const at = part.indexOf(';');
    const weight = at < 0 ? '1' : part.slice(part.indexOf('=') + 1);
    let tag = weight > top ? (at < 0 ? part : part.slice(0, at)).trim() : '';
    while (tag && left-- > 0) {
      if (known.indexOf(tag) >= 0) {
        best = tag;
        top = weight;
        break;
      }
      tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')));
    }
  }
  return best;
}

// way returns the query that carries the path and query that were asked for, as
// far as they fit. That they lead to this site is seen to by the room, which gets
// such queries from anybody: gate.SafePath.
function way(request) {
  try {
    const uri = request.uri;
    const query = request.rawQueryString();
    const both = query ? uri + '?' + query : uri;
    return '?to=' + encodeURIComponent(fits(both) ? both : fits(uri) ? uri : '/');
  } catch (e) {
    // Half a character.
    return '';
  }
}

// What is longer than most addresses must be printable: other letters are dear to
// encode.
const fits = (part) => part.length <= 128 || (part.length <= 1024 && only(PRINTABLE, part));
