// The console asks the instance once a second while somebody looks, and shows
// what it says. Nothing here decides anything.
import * as charts from './charts.js';
import * as outbox from './outbox.js';
import { ask, count, day, set, share, time, whole } from './words.js';

const $ = (id) => document.getElementById(id);
const modes = { open: 'Open: everyone is let in', throttle: 'Throttle: the law decides', hold: 'Hold: nobody new is let in', observe: 'Observe: deciding and counting, everyone is let in' };
let touched = 0; // when a slider was last moved: its own answer must not push it back

function show(s) {
  set('site', s.site);
  document.title = `${share(s.load)} load, ${whole(s.waiting)} waiting · raincheck`;
  set('clock', `${day(s.now)} ${time(s.now, true)} UTC`);
  const mode = s.control.mode || 'open';
  $('verdict').dataset.mode = mode;
  set('mode', mode === 'throttle' && s.control.admit !== undefined ? `Throttle: a fixed share of ${share(s.control.admit)}, until released` : modes[mode]);
  set('because', s.because || 'No decision yet.');
  set('decided', s.decided ? `decided at ${time(s.decided)}: let ${share(s.admit)} straight in, invite ${whole(s.invite)}` : '');
  const warnings = s.warnings || [];
  if ($('warnings').dataset.said !== warnings.join('\n')) {
    $('warnings').dataset.said = warnings.join('\n');
    $('warnings').replaceChildren(...warnings.map((w) => Object.assign(document.createElement('p'), { textContent: w })));
  }
  load(s);
  set('admit', share(mode === 'open' || mode === 'observe' ? 1 : mode === 'hold' ? 0 : s.admit));
  set('waiting', whole(s.waiting));
  set('waiting-note', s.oldest ? `the first since ${time(s.oldest)}` : 'nobody in the line');
  documents('gate', s.gate, s.gateBytes);
  documents('base', s.base, s.baseBytes);
  totals(s.totals);
  controls(s, mode);
  $('outbox').hidden = !s.outbox;
}

function load(s) {
  const known = s.load !== undefined;
  set('load', known ? share(s.load) : '–');
  const of = s.capacity ? ` · capacity ${whole(s.capacity)}` : '';
  set('load-note', known ? `target ${share(s.target)}${of}` : `not known${of}`);
  const fill = $('load-fill');
  const full = 1.2; // the meter ends beyond the capacity, so that too much can be seen
  fill.style.width = Math.min(100, (100 * (s.load || 0)) / full) + '%';
  fill.className = 'fill' + (s.load > 1 ? ' over' : s.load > s.target + 0.03 ? ' near' : '');
  $('target-mark').style.left = (100 * s.target) / full + '%';
}

function documents(id, json, bytes) {
  const text = json ? JSON.stringify(json, null, 2) : 'not there yet: the edge lets everybody in';
  set(id, text);
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

function controls(s, mode) {
  $('controls').hidden = s.readOnly;
  document.querySelectorAll('#modes button').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.mode === mode)));
  $('pause').setAttribute('aria-pressed', String(Boolean(s.control.paused)));
  set('pause', s.control.paused ? 'Resume the mail' : 'Pause the mail');
  set('pause-note', s.control.paused ? 'Paused' + (s.control.pausedBecause ? `: ${s.control.pausedBecause}.` : ' by the operator.') : 'Mail is being sent.');
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
  slider.value = Math.round(value);
}

function say() {
  set('demand-out', `${count(Number($('demand').value))} visits a minute`);
  set('capacity-out', `${count(Number($('capacity').value))} visitors`);
  set('speed-out', `${toSpeed($('speed').value)}×`);
  $('speed').setAttribute('aria-valuetext', `${toSpeed($('speed').value)} times`);
}

async function change(what, words) {
  const said = $('said');
  try {
    show(await ask('api/change', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) }));
    said.className = 'said';
    said.textContent = words;
  } catch (e) {
    said.className = 'said bad';
    said.textContent = e.refused ? e.message : 'The instance does not answer.';
  }
}

document.querySelectorAll('#modes button').forEach((b) => b.addEventListener('click', () => change({ mode: b.dataset.mode }, `Switched to ${b.dataset.mode}. The edge follows within a minute.`)));
$('pause').addEventListener('click', () => {
  const paused = $('pause').getAttribute('aria-pressed') !== 'true';
  change({ paused }, paused ? 'Paused. Those claimed keep their places.' : 'Sending again.');
});
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
    const last = charts.data.minutes.length - 1;
    set('invited', whole(charts.data.invited[last]));
    set('redeemed', whole(charts.data.redeemed[last]));
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
