// throttle.js decides, on every request, whether it starts a visit and whether
// that visitor comes in now (CloudFront Function, viewer request, runtime
// cloudfront-js-2.0). pkg/gate has the same rules in Go and vectors hold the two
// equal.
//
// An error that leaves this file answers 502 for the whole site. So everything
// stands inside one try, the store's handle too, and the catch lets the request
// through. Only what the runtime documents is used, and runtime_test.go refuses
// the rest.

import cf from 'cloudfront';
import crypto from 'crypto';

// FAILURE is joined in at deploy: what to do when the store says nothing, 'open'
// or 'hold'.
/* global FAILURE */

const COOKIE = '__Host-raincheck';
const HEADER = 'x-raincheck';
const ROOM = '/waiting-room';
const DAY = 86400; // a pass never lives longer than this from its first issue
const ATTRIBUTES = '; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=';
const LOW = 1048576; // 2^20
const ALL = 4503599627370496; // 2^52
// What gateShare and baseShare return is the share of new visitors to let in, 0
// to 1, as a plain number; and beside that one of these.
const UNREADABLE = -1; // the document says nothing
const EVERYONE = 2; // all come in, whatever they draw
const OBSERVE = 3; // OBSERVE + share: count by the share, and let everyone in
const TAG = /^[A-Za-z0-9-]{1,40}$/;
const WEIGHED = /^[ \t]*([A-Za-z0-9-]{1,40})[ \t]*(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$/;
const ON_SITE = /^\/(?:[!-.0-[\]-~]\/?)*$/; // printable ASCII without a backslash and without //

async function handler(event) {
  const request = event.request;
  try {
    const headers = request.headers;
    const uri = request.uri;
    const cookies = request.cookies;

    // Whoever could send this header could choose the cookie that remember.js sets.
    delete headers[HEADER];
    // The room is never gated: its visitors would be redirected to it for ever.
    // Its requests keep the pass, because it reads the pass itself.
    if (uri.startsWith(ROOM) && (uri.length === ROOM.length || uri[ROOM.length] === '/')) {
      return request;
    }
    // The site never sees the pass. Where answers are cached by cookie, every pass
    // would be a cache key of its own.
    const held = cookies && cookies[COOKIE];
    if (held) {
      delete cookies[COOKIE];
    }
    if (!startsVisit(request.method, headers)) {
      return request;
    }

    const now = Math.floor(Date.now() / 1000);
    const store = cf.kvs();
    let doc = null;
    let share = UNREADABLE;
    try {
      doc = await store.get('gate', { format: 'json' });
      share = gateShare(doc, now);
    } catch (e) {
      share = UNREADABLE;
    }
    if (share < 0) {
      try {
        doc = await store.get('base', { format: 'json' });
        share = baseShare(doc);
      } catch (e) {
        share = UNREADABLE;
      }
    }
    if (share < 0) {
      return FAILURE !== 'hold' || held ? request : turnAway(request, null);
    }

    const alone = doc.alone;
    if (alone) {
      for (let i = 0; i < alone.length; i++) {
        if (uri.startsWith(alone[i])) {
          return request;
        }
      }
    }
    if (held && doc.keys) {
      const pass = goodPass(held, doc.keys, now);
      if (pass) {
        if (doc.pass && 2 * (expiry(pass) - now) < doc.pass) {
          renew(headers, pass.split('.'), doc, now);
        }
        return request;
      }
    }
    return newcomer(event, doc, share, now);
  } catch (e) {
    console.log('rc-error ' + e);
    return request;
  }
}

// startsVisit says whether a request opens a page. Nothing else is gated: a form
// sent would lose what somebody typed, and images and scripts are to cost nothing.
function startsVisit(method, headers) {
  if (method !== 'GET' && method !== 'HEAD') {
    return false;
  }
  const mode = headers['sec-fetch-mode'];
  return mode && mode.value ? mode.value === 'navigate' : list(headers.accept).indexOf('text/html') >= 0;
}

// newcomer decides about somebody without a good pass, counts them, and gives a
// pass to whoever comes in.
function newcomer(event, doc, share, now) {
  const request = event.request;
  const headers = request.headers;
  const number = doc.salt ? draw(event.viewer.ip, headers['user-agent'], doc.salt) : 0;
  const low = number % LOW;
  const lucky = share === EVERYONE || (number - low) / ALL < (share < OBSERVE ? share : share - OBSERVE);
  // One visit in n is counted, as n. The choice is made by bits of the number that
  // have no part in the answer, and by the request's id, so that whoever comes
  // again is chosen anew.
  const n = doc.sample;
  const id = event.context.requestId;
  if (n && (low + (7919 * id.charCodeAt(7) || 0)) % n === 0) {
    console.log('rc1 ' + n + ' ' + (lucky ? n : 0));
  }
  if (!lucky && share < EVERYONE) {
    return turnAway(request, doc.lang);
  }
  const key = signer(doc.keys, now);
  if (key && doc.pass) {
    const hashed = crypto.createHash('sha256').update(id).digest('hex');
    give(headers, key, 'd', now + doc.pass, now, hashed.slice(8, 32), now);
  }
  return request;
}

// gateShare returns the share that the gate lets in at now.
function gateShare(gate, now) {
  const mode = gate.mode;
  if (mode === 'open') {
    return EVERYONE;
  }
  if (!gate.salt || !gate.keys || !gate.pass || !gate.sample) {
    return UNREADABLE;
  }
  if (mode === 'observe') {
    return OBSERVE + (gate.admit || 0);
  }
  if (mode !== 'throttle' && mode !== 'hold') {
    return UNREADABLE;
  }
  // A decision that nobody renewed has run out.
  if (gate.until && gate.until <= now) {
    return gate.stale || 0;
  }
  return mode === 'throttle' ? gate.admit || 0 : 0;
}

// baseShare returns the share that the base lets in while there is no gate.
function baseShare(base) {
  if (base.failure === 'open') {
    return EVERYONE;
  }
  if (base.failure !== 'hold' || !base.salt || !base.keys || !base.pass || !base.sample) {
    return UNREADABLE;
  }
  return base.stale || 0;
}

function hmac(key, text) {
  return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

// draw returns 52 bits that are a visitor's for the life of the salt: the first
// 32 decide, and the last 20 choose who is counted.
function draw(ip, agent, salt) {
  const text = network(ip) + '|' + (agent ? agent.value : '');
  return parseInt(crypto.createHmac('sha256', salt).update(text).digest('hex').slice(0, 13), 16);
}

// network returns the IPv4 address, or the first 64 bits of an IPv6 address,
// because a device changes the rest at will.
function network(ip) {
  if (ip.indexOf(':') < 0) {
    return ip;
  }
  if (ip.indexOf('.') > 0) {
    return ip.slice(ip.lastIndexOf(':') + 1);
  }
  const halves = ip.split('::');
  const head = halves[0] ? halves[0].split(':') : [];
  const tail = halves[1] ? halves[1].split(':') : [];
  let out = '';
  for (let i = 0; i < 4; i++) {
    const group = i < head.length ? head[i] : tail[i - 8 + tail.length] || '0';
    out += (i ? ':' : '') + parseInt(group, 16).toString(16);
  }
  return out;
}

// goodPass returns the first good pass among what the cookie holds, or '':
// 1.<key id>.<kind>.<expiry>.<first issue>.<id>.<MAC of 22 characters>
function goodPass(held, keys, now) {
  const all = held.multiValue;
  for (let i = 0; i < (all ? all.length : 1) && i < 3; i++) {
    const value = all ? all[i].value : held.value;
    if (value.length <= 200) {
      for (let j = 0; j < keys.length; j++) {
        if (value.startsWith('1.' + keys[j][0] + '.')) {
          const key = keys[j][1];
          const end = value.length - 22;
          const mac = hmac(key, value.slice(0, end - 1)).slice(0, 22);
          // The runtime has no comparison in constant time. How long it takes to
          // compare the HMACs of the two tells nothing of either.
          if (hmac(key, mac) === hmac(key, value.slice(end)) && value[end - 1] === '.' && expiry(value) > now) {
            return value;
          }
        }
      }
    }
  }
  return '';
}

// expiry reads a pass of ours, in which the key id and the kind are one character
// each.
function expiry(pass) {
  return parseInt(pass.slice(6), 10);
}

// renew gives a fresh pass for an old one, taken apart at its dots.
function renew(headers, old, doc, now) {
  const first = Number(old[4]);
  const until = Math.min(now + doc.pass, first + DAY);
  const key = signer(doc.keys, now);
  if (key && until > Number(old[3])) {
    give(headers, key, old[2], until, first, old[5], now);
  }
}

// signer returns the newest key whose time has come.
function signer(keys, now) {
  let newest = null;
  for (let i = 0; keys && i < keys.length; i++) {
    const key = keys[i];
    if (key[2] <= now && (!newest || key[2] >= newest[2])) {
      newest = key;
    }
  }
  return newest;
}

// give leaves the finished cookie where remember.js finds it.
function give(headers, key, kind, expires, first, id, now) {
  const text = ['1', key[0], kind, expires, first, id].join('.');
  headers[HEADER] = { value: text + '.' + hmac(key[1], text).slice(0, 22) + ATTRIBUTES + (expires - now) };
}

// turnAway answers with the way to the room, in the visitor's language where the
// room's are known. The answer is made anew each time: nobody promises that two
// requests never share what stands outside of the functions.
function turnAway(request, languages) {
  let room = ROOM;
  if (languages && languages.length) {
    room += '/' + language(list(request.headers['accept-language']), languages) + '/';
  }
  return {
    statusCode: 302,
    statusDescription: 'Found',
    headers: { 'cache-control': { value: 'no-store' }, location: { value: room + '?to=' + encodeURIComponent(wanted(request)) } },
  };
}

// list returns all of a header that may come more than once.
function list(header) {
  const values = header && header.multiValue;
  if (!values) {
    return header ? header.value : '';
  }
  let all = '';
  for (let i = 0; i < values.length; i++) {
    all += (i ? ',' : '') + values[i].value;
  }
  return all;
}

// language picks from the room's languages, the first of which is the default.
function language(accept, known) {
  let best = known[0];
  let top = 0;
  let from = 0;
  // Twelve are more than any browser sends, and a bound for those who send more.
  for (let i = 0; i < 12 && top < 1 && from >= 0; i++) {
    const comma = accept.indexOf(',', from);
    let tag = comma < 0 ? accept.slice(from) : accept.slice(from, comma);
    let q = 1;
    // Most browsers put the one that counts first, without a weight.
    if (!TAG.test(tag)) {
      const weighed = WEIGHED.exec(tag);
      q = weighed ? Number(weighed[2] || 1) : 0;
      tag = weighed ? weighed[1] : '';
    }
    if (q > top) {
      tag = tag.toLowerCase();
      // es-us, then es.
      while (tag && known.indexOf(tag) < 0) {
        const cut = tag.lastIndexOf('-');
        tag = cut > 0 ? tag.slice(0, cut) : '';
      }
      if (tag) {
        best = tag;
        top = q;
      }
    }
    from = comma < 0 ? -1 : comma + 1;
  }
  return best;
}

// wanted returns the path and query that were asked for, if they surely lead to
// this site, else '/': gate.SafePath has the reasons.
function wanted(request) {
  const query = request.querystring || {};
  const names = Object.keys(query);
  let path = request.uri;
  let mark = '?';
  for (let i = 0; i < names.length; i++) {
    const one = query[names[i]];
    const all = one.multiValue;
    for (let j = 0; j < (all ? all.length : 1); j++) {
      const value = all ? all[j].value : one.value;
      path += mark + names[i] + (value ? '=' + value : '');
      mark = '&';
    }
  }
  return path.length <= 512 && ON_SITE.test(path) ? path : '/';
}
