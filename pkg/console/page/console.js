// The console asks the instance once a second while somebody looks, and shows
// what it says. Nothing here decides anything.
import * as charts from './charts.js';
import * as outbox from './outbox.js';
import { ask, count, day, element, set, share, time, whole } from './words.js';

const $ = (id) => document.getElementById(id);
let touched = 0; // when a slider was last moved: its own answer must not push it back
let shareTouched = false; // the same for the fixed share, which nothing but a press applies

// headline says the throttle's state in one sentence for whoever just came in.
function headline(s, mode) {
  const invites = s.control.paused ? '; the mail is paused' : '';
  if (s.unread && !s.gate) return 'Neither the waitlist nor the gate can be read.';
  switch (mode) {
    case 'open': return s.waiting ? `Everyone is let in; ${whole(s.waiting)} still wait for their mail` + invites + '.' : 'Everyone is let in.';
    case 'observe': return `Everyone is let in. Throttling, it would be ${share(s.gate?.admit ?? 1)} of new visitors.`;
    case 'hold': return 'Nobody new is let in' + invites + '.';
  }
  if (s.admit === undefined) return 'What the edge lets in is not known.';
  if (s.admit >= 0.9995) return s.waiting ? 'Everyone is let straight in, and the line is being invited' + invites + '.' : 'There is room: everyone is let straight in.';
  if (s.admit < 0.0005) return 'The site is full: who comes now is asked to wait' + invites + '.';
  return `${share(s.admit)} of new visitors get straight in, the others are asked to wait` + invites + '.';
}

// trusted says how far the law's model has proved right, where one decides.
function trusted(s) {
  if (s.trust === undefined) return '';
  const since = s.trustSince ? ` since ${time(s.trustSince)}` : '';
  return s.trust >= 1 ? `; the model has foreseen the load${since}` : `; the model is trusted ${share(s.trust)}, proving itself${since}`;
}

function show(s) {
  $('main').className = s.readOnly ? 'solo' : '';
  set('site', s.site);
  document.title = `${share(s.load)} load, ${whole(s.waiting)} waiting · raincheck`;
  set('clock', `${day(s.now)} ${time(s.now, true)} UTC`);
  const mode = s.control.mode || 'open';
  const fixed = mode === 'throttle' && s.control.admit !== undefined;
  $('verdict').dataset.mode = mode;
  set('mode', { open: 'Open', throttle: 'Throttle', hold: 'Hold', observe: 'Observe' }[mode] + (fixed ? ', fixed' : ''));
  set('headline', headline(s, mode));
  const since = s.control.switched && (!s.decided || s.control.switched > s.decided);
  set('because', since ? `Switched at ${time(s.control.switched)}; the next decision comes within a minute.` : s.because ? s.because + '.' : s.unread ? '' : 'the inviter has not run yet; it does every minute.');
  set('decided', s.decided ? `decided at ${time(s.decided)}, inviting ${whole(s.invite)}` + trusted(s) : '');
  const warnings = s.warnings || [];
  if ($('warnings').dataset.said !== warnings.join('\n')) {
    $('warnings').dataset.said = warnings.join('\n');
    $('warnings').replaceChildren(...warnings.map((w) => Object.assign(document.createElement('p'), { textContent: w })));
  }
  load(s);
  set('admit', share(s.admit));
  set('waiting', s.unread ? '–' : whole(s.waiting));
  set('waiting-note', s.oldest ? `the first for ${lasting(new Date(s.now) - new Date(s.oldest))}` : s.unread ? 'not known' : s.waiting ? 'in the line' : 'nobody in the line');
  set('mailed', mailed(s.mails));
  set('empty', s.empty ? `all invited about ${time(s.empty)}` : '');
  edge(s);
  totals(s.totals);
  controls(s, mode, fixed);
  $('outbox').hidden = !s.outbox;
}

// mailed says what became of the mails of the last hour.
function mailed(m) {
  if (!m || !(m.sent || m.untaken || m.reported)) return '';
  const r = m.reported;
  return `in an hour: ${count(m.sent)} sent` + (m.untaken ? `, ${count(m.untaken)} not taken by the mail service` : '') + (r ? `, ${count(r.delivered)} delivered, ${count(r.bounced)} came back` + (r.delayed ? `, ${count(r.delayed)} reports of a delay` : '') + (r.complaints ? `, complaints: ${count(r.complaints)}` : '') : m.sent ? '; nothing is reported of them' : '');
}

// lasting says how long something has taken.
function lasting(ms) {
  const minutes = Math.max(0, Math.round(ms / 60000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function load(s) {
  const known = s.load !== undefined;
  const of = s.capacity ? `of ${whole(s.capacity)} visitors at once` : '';
  set('load', known ? share(s.load) : '–');
  set('load-note', known ? of : 'not known: nobody new is invited');
  const fill = $('load-fill');
  const full = 1.2; // the meter ends beyond the capacity, so that too much can be seen
  fill.style.width = Math.min(100, (100 * (s.load || 0)) / full) + '%';
  fill.className = 'fill' + (s.load > 1 ? ' over' : s.load > s.target + 0.03 ? ' near' : '');
  $('target-mark').style.left = $('target-label').style.left = (100 * s.target) / full + '%';
  set('target-label', `target ${share(s.target)}`);
}

// edge says what the edge has been told, which for half a minute may differ from
// what was decided.
function edge(s) {
  documents('gate', s.gate, s.gateBytes);
  documents('base', s.base, s.baseBytes);
  const g = s.gate;
  if (!g) return set('gate-words', 'It has no gate that can be read.');
  const until = g.until ? `, good until ${time(g.until * 1000)} unless it is renewed; after that ${share(g.stale ?? 1)} are let in` : '';
  const fixed = g.fixed ? ', fixed: it stands until the next switch' : '';
  return set('gate-words', `Mode ${g.mode}${g.mode === 'throttle' ? `, ${share(g.admit || 0)} let straight in` : ''}${until}${fixed}.`);
}

function documents(id, json, bytes) {
  set(id, json ? JSON.stringify(json, null, 2) : 'not there yet');
  set(id + '-note', bytes ? `${count(bytes)} of the 1,024 bytes that it may have` : '');
}

function totals(list) {
  $('totals').hidden = !list;
  if (!list) return;
  const box = $('totals-list');
  if (box.childElementCount !== list.length) {
    box.replaceChildren(...list.map((t) => {
      const row = document.createElement('div');
      row.append(Object.assign(document.createElement('dt'), { textContent: t.name }), document.createElement('dd'),
        Object.assign(document.createElement('dd'), { textContent: t.means, className: 'note dim' }));
      return row;
    }));
  }
  list.forEach((t, i) => { box.children[i].children[1].textContent = count(t.count); });
}

// The clock's slider is logarithmic: 0 → 1×, 100 → 600×.
const toSpeed = (v) => Math.round(600 ** (v / 100));
const fromSpeed = (s) => (s > 0 ? (100 * Math.log(s)) / Math.log(600) : 100);

function toggle(id, on, label, note) {
  $(id).setAttribute('aria-pressed', String(on));
  set(id, label);
  set(id + '-note', note);
}

// how says on a page without switches where they are.
function how(s) {
  $('how').hidden = !s.readOnly;
  $('how-here').hidden = Boolean(s.switches);
  const box = $('commands');
  box.hidden = !s.switches;
  if (!s.switches || box.childElementCount) return;
  for (const c of s.switches) box.append(element('dt', {}, element('code', {}, c.command)), element('dd', { className: 'dim note' }, c.does));
}

function message(s) {
  const said = s.control.said;
  const stands = Boolean(said) && new Date(said.until) > new Date(s.now);
  set('message-note', stands ? `“${said.text}” until ${time(said.until)}${said.by ? ', by ' + said.by : ''}. Another replaces it.` : 'None now. In the default language; other languages: raincheck say --lang.');
  $('message-off').hidden = !stands;
}

let newest; // the snapshot that is shown

function controls(s, mode, fixed) {
  const c = s.control;
  newest = s;
  $('side').hidden = s.readOnly;
  how(s);
  message(s);
  document.querySelectorAll('#modes button').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.mode === mode)));
  set('share-note', fixed ? `Fixed at ${share(c.admit)}; press Throttle to let the law decide again.` : c.law ? `The law is ${c.law}.` : 'The law decides now.');
  if (fixed && !shareTouched) { $('share').value = Math.round(100 * c.admit); set('share-out', `${$('share').value} %`); }
  toggle('invite', Boolean(c.inviteNow), c.inviteNow ? 'Cancel' : 'Invite', c.inviteNow ? `${count(c.inviteNow)} are still to be invited.` : 'Of those who wait now, beside what the law invites.');
  toggle('pause', Boolean(c.paused), c.paused ? 'Resume' : 'Pause', c.paused ? 'Paused' + (c.pausedBecause ? `: ${c.pausedBecause}.` : '. Everyone keeps their place.') : 'Being sent.');
  toggle('form', Boolean(c.signupsOff), c.signupsOff ? 'Open' : 'Close', c.signupsOff ? 'Takes no addresses.' : 'Takes addresses.');
  toggle('drain', Boolean(c.drain), c.drain ? 'Stop' : 'Drain', c.drain ? 'Draining: every free place goes to the line.' : 'Invite all who are left, take no more.');
  const w = s.world;
  $('world').hidden = !w;
  $('story').hidden = !w || s.readOnly;
  const full = mode === 'hold' || (mode === 'throttle' && s.admit < 0.5);
  $('door-full').hidden = !full;
  $('door-free').hidden = full;
  set('pace', w ? (w.speed > 0 ? `${w.speed}× real time` : 'as fast as it goes') : '');
  if (!w) return;
  set('demand-note', w.script ? w.story : 'By your hand.');
  $('script').hidden = w.script;
  set('onsite', `${count(w.onSite)} on the site now`);
  if (Date.now() - touched < 2000) return;
  place('demand', w.demand, w.maxDemand);
  place('capacity', s.capacity, w.maxCapacity);
  $('speed').value = fromSpeed(w.speed);
  say();
}

function place(id, value, max) {
  const slider = $(id);
  slider.max = Math.max(max, Math.round(value));
  slider.step = Math.max(1, Math.round(slider.max / 500));
  slider.min = id === 'capacity' ? slider.step : 0;
  slider.value = Math.round(value);
}

function say() {
  set('demand-out', `${count(Number($('demand').value))} visits a minute`);
  set('capacity-out', `${count(Number($('capacity').value))} visitors`);
  set('speed-out', `${toSpeed($('speed').value)}×`);
  $('speed').setAttribute('aria-valuetext', `${toSpeed($('speed').value)} times`);
}

async function change(what, words, undo) {
  const said = $('said');
  try {
    show(await ask('api/change', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) }));
    said.className = 'said';
    said.replaceChildren(words);
    if (undo) {
      const back = element('button', { type: 'button', className: 'link' }, 'Undo');
      back.addEventListener('click', () => change(undo, 'Undone. The edge follows within a minute.'));
      said.append(back);
    }
  } catch (e) {
    said.className = 'said bad';
    said.textContent = e.refused ? e.message : 'The instance does not answer: nothing was changed.';
  }
}

// sure asks before what turns people away or cannot be taken back. Opening is
// never asked about: it is what one does in trouble.
function sure(title, text, yes, act) {
  set('sure-title', title);
  set('sure-text', text);
  set('sure-yes', yes);
  $('sure-yes').onclick = () => { $('sure').close(); act(); };
  $('sure').showModal();
  $('sure-no').focus();
}
$('sure-no').addEventListener('click', () => $('sure').close());

const pressed = (id) => $(id).getAttribute('aria-pressed') === 'true';
const follows = ' The edge follows within a minute.';

document.querySelectorAll('#modes button').forEach((b) => b.addEventListener('click', () => {
  const before = document.querySelector('#modes [aria-pressed=true]')?.dataset.mode;
  const mode = b.dataset.mode;
  const to = () => { shareTouched = false; change({ mode }, `Switched to ${mode}.` + follows, before && before !== mode ? { mode: before } : undefined); };
  if (mode === 'hold' && before !== 'hold') sure('Let nobody new in?', 'Whoever comes new is sent to the waiting room, and nobody is invited until you switch again. Who is in stays in, and codes already mailed stay good.', 'Hold', to);
  else to();
}));
$('share').addEventListener('input', () => { shareTouched = true; set('share-out', `${$('share').value} %`); });
$('fix').addEventListener('click', () => {
  const admit = Number($('share').value) / 100;
  const to = () => { shareTouched = false; change({ mode: 'throttle', admit }, `Fixed at ${share(admit)} of new visitors.` + follows, { mode: 'throttle' }); };
  if (admit === 0 || admit === 1) sure(`Fix the share at ${share(admit)}?`, admit ? 'Everyone is let straight in, however full the site is.' : 'Nobody new gets in except by an invitation, however much room there is.', 'Fix it', to);
  else to();
});
$('pause').addEventListener('click', () => (pressed('pause') ? change({ paused: false }, 'Sending again.') : change({ paused: true }, 'Paused: no invitation leaves. Everyone keeps their place.', { paused: false })));
$('form').addEventListener('click', () => {
  if (pressed('form')) return change({ signups: true }, 'The form takes addresses again.');
  return sure('Take no more addresses?', 'Who is turned away from now on can leave no address, and is asked to come back later. Who waits is still invited.', 'Close the form', () => change({ signups: false }, 'The form is closed.', { signups: true }));
});
$('invite').addEventListener('click', () => {
  if (pressed('invite')) return change({ cancelInvite: true }, 'Taken back. Whoever was claimed already is still mailed.');
  const n = Number($('more').value);
  if (!Number.isInteger(n) || n < 1) { $('said').className = 'said bad'; set('said', 'How many to invite is a whole number from 1.'); return; }
  sure(`Invite ${count(n)} more now?`, 'They are mailed beside what the law decides, whether the site has room for them or not. A mail cannot be called back.', `Invite ${count(n)}`, () => change({ invite: n }, `${count(n)} more of those who wait are invited with the next minute.`));
});
$('drain').addEventListener('click', () => {
  if (pressed('drain')) return change({ drain: false }, 'No longer draining; the form takes addresses again.');
  return sure('Drain the line?', 'No more addresses are taken, and every free place of the site goes to those who wait, until the line is empty.', 'Drain', () => change({ drain: true }, 'Draining.', { drain: false }));
});
$('message-form').addEventListener('submit', (e) => {
  e.preventDefault();
  const text = $('message').value.trim();
  if (!text) { $('said').className = 'said bad'; set('said', 'Type what is to be said.'); return; }
  const until = new Date(new Date(newest.now).getTime() + 3600e3 * Number($('message-hours').value)).toISOString();
  change({ say: { text, until, by: 'the console' } }, 'Said: on every page within two minutes.');
});
$('message-off').addEventListener('click', () => change({ say: {} }, 'The message is off every page within two minutes.'));
$('script').addEventListener('click', () => { touched = 0; change({ demand: -1 }, 'Demand follows the script again.'); });
for (const id of ['demand', 'capacity', 'speed']) {
  $(id).addEventListener('input', () => { touched = Date.now(); say(); });
  $(id).addEventListener('change', () => {
    touched = Date.now();
    const value = id === 'speed' ? toSpeed($(id).value) : Number($(id).value);
    change({ [id]: value }, `${id === 'speed' ? 'Clock' : id === 'demand' ? 'Demand' : 'Capacity'} set.`);
  });
}

let busy = false;
let round = 0;
async function tick() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const [s, series] = await Promise.all([ask('api/snapshot'), ask('api/series?after=' + charts.after())]);
    show(s);
    if (charts.merge(series)) charts.draw();
    set('invited', whole(charts.newest('invited')));
    set('redeemed', whole(charts.newest('redeemed')));
    if (s.outbox && round++ % 2 === 0) await outbox.refresh();
    $('lost').hidden = true;
  } catch (e) {
    $('lost').hidden = false;
  }
  busy = false;
}
setInterval(tick, 1000);
document.addEventListener('visibilitychange', tick);
tick();
