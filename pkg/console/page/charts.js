// The four charts, drawn by uPlot (MIT), which raincheck carries with it.
import { count, day, element, share, time, whole } from './words.js';

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

// What is drawn: the columns of api/series, by colour and by shape, since
// colour alone tells nothing to every twelfth man. People a minute are drawn as
// the mean of five where there is more than an hour to see: single minutes of a
// small site are chance.
const figures = [
  { title: 'Load, and the share let straight in', of: 'percent', unit: share, top: 1.1, percent: true, lines: [
    { column: 'load', name: 'load', color: 'blue', width: 2.5 },
    { column: 'target', name: 'target', color: 'ink', dash: [6, 4] },
    { column: 'full', name: 'full', color: 'red', dash: [2, 3], width: 1 },
    { column: 'admit', name: 'let straight in', color: 'green', fill: true, width: 1 }] },
  { title: 'Waiting in the line', of: 'people', unit: whole, lines: [{ column: 'waiting', name: 'waiting', color: 'amber', fill: true, width: 2 }] },
  { title: 'At the throttle', of: 'people a minute', mean: true, unit: whole, lines: [
    { column: 'visitors', name: 'came', color: 'grey', width: 2 },
    { column: 'admitted', name: 'let straight in', color: 'green', fill: true }] },
  { title: 'Through the waiting room', of: 'people a minute', mean: true, unit: whole, lines: [
    { column: 'joined', name: 'left an address', color: 'amber', width: 1.5 },
    { column: 'invited', name: 'invited', color: 'violet', width: 1.5, dash: [7, 3] },
    { column: 'redeemed', name: 'came back', color: 'green', width: 2.5 }] },
];

const columns = ['load', 'target', 'admit', 'visitors', 'admitted', 'joined', 'waiting', 'invited', 'redeemed'];
export const data = { minutes: [] };
columns.forEach((c) => { data[c] = []; });
let plots = [];
let range = 360;

// merge adds what api/series sent: a minute sent again takes the newer value.
export function merge(series) {
  const first = series.minutes[0];
  if (first === undefined) return false;
  let keep = data.minutes.length;
  while (keep > 0 && data.minutes[keep - 1] >= first) keep--;
  data.minutes.length = keep;
  data.minutes.push(...series.minutes);
  columns.forEach((c) => { data[c].length = keep; data[c].push(...series[c]); });
  return true;
}

// after is where to ask on from: a few minutes back, for values that came late.
export const after = () => (data.minutes.length > 6 ? data.minutes[data.minutes.length - 6] : 0);

// newest is the last value known of a column: metrics come late, some never.
export function newest(column) {
  const values = data[column];
  for (let i = values.length - 1; i >= Math.max(0, values.length - 10); i--) if (values[i] !== null) return values[i];
  return null;
}

// mean is the trailing mean of five minutes, of those that have a value.
function mean(values, from) {
  return values.slice(from).map((v, i) => {
    if (v === null) return null;
    const near = values.slice(Math.max(0, from + i - 4), from + i + 1).filter((x) => x !== null);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

// view gives what is in sight of a column.
const begin = () => (range ? Math.max(0, data.minutes.length - range) : 0);
const smooth = (f) => Boolean(f.mean) && data.minutes.length - begin() > 60;
function view(f) {
  const from = begin();
  const even = smooth(f);
  return (c) => {
    if (c === 'full') return data.minutes.slice(from).map(() => 1);
    return even && c !== 'minutes' ? mean(data[c], from) : data[c].slice(from);
  };
}

// spark draws the last hour of a column, small, beside its number.
const svg = (name, props) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(props).forEach(([k, v]) => e.setAttribute(k, v));
  return e;
};
function spark(column, color) {
  const box = document.getElementById(column + '-spark');
  const values = data[column].slice(-60);
  const top = Math.max(...values, column === 'admit' ? 1 : 1e-9);
  const points = values.map((v, i) => (v === null ? '' : `${(100 * i / 59).toFixed(1)},${(29 - 27 * v / top).toFixed(1)}`)).filter(Boolean).join(' ');
  const picture = svg('svg', { viewBox: '0 0 100 30', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  picture.append(svg('polyline', { points, fill: 'none', stroke: css(color), 'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke', 'stroke-linejoin': 'round' }));
  box.replaceChildren(picture);
}

function line(l) {
  const color = css(l.color);
  return { label: l.name, stroke: color, width: l.width || 1.5, dash: l.dash, fill: l.fill ? color + '2b' : undefined, points: { show: false } };
}

function options(f, { clientWidth: width, clientHeight: height }, legend) {
  const axis = { stroke: css('dim'), grid: { stroke: css('edge'), width: 1 }, ticks: { stroke: css('edge'), width: 1 }, font: '12px system-ui, sans-serif' };
  return {
    width, height, legend: { show: false }, padding: [8, 8, 0, 0],
    cursor: { sync: { key: 'raincheck' }, drag: { x: false, y: false }, points: { size: 7 } },
    tzDate: (seconds) => new Date(seconds * 1000 + new Date(seconds * 1000).getTimezoneOffset() * 60000),
    scales: { y: { range: (u, low, high) => [0, f.percent ? Math.max(f.top, (high || 0) * 1.05) : Math.max(4, (high || 0) * 1.08)] } },
    axes: [
      { ...axis, values: (u, ticks) => ticks.map((s) => (s % 86400 === 0 ? day(s * 1000) : time(s * 1000))), space: 64, size: 32 },
      { ...axis, size: 52, values: (u, ticks) => ticks.map((v) => (f.percent ? Math.round(100 * v) + ' %' : v >= 10000 ? count(v / 1000) + 'k' : count(v))) },
    ],
    series: [{}, ...f.lines.map(line)],
    hooks: { setCursor: [(u) => say(u, f, legend)] },
  };
}

// say fills a legend: the minute under the pointer, or the newest.
function say(u, f, legend) {
  const at = u.cursor.idx ?? u.data[0].length - 1;
  legend.forEach((b, i) => { b.textContent = f.lines[i].column === 'full' ? '' : f.unit(u.data[i + 1][at]); });
}

export function draw() {
  const box = document.getElementById('charts');
  if (!plots.length) {
    box.replaceChildren();
    plots = figures.map((f) => {
      const values = f.lines.map(() => element('b', {}, '–'));
      const legend = element('ul', { className: 'legend' }, ...f.lines.map((l, i) => {
        const key = element('span', { className: 'key' + (l.dash ? ' dashed' : '') });
        key.style.borderTopColor = css(l.color);
        return element('li', {}, key, l.name + ' ', values[i]);
      }));
      const unit = element('span', { className: 'dim' });
      const plot = element('div', { className: 'plot', role: 'img', ariaLabel: f.title + ', ' + f.of + ', a line chart; the same numbers are in the table below.' });
      box.append(element('figure', { className: 'chart' }, element('figcaption', {}, f.title, unit), legend, plot));
      const get = view(f);
      const u = new uPlot(options(f, plot, values), [get('minutes'), ...f.lines.map((l) => get(l.column))], plot);
      say(u, f, values);
      return { u, f, values, plot, unit };
    });
  }
  plots.forEach(({ u, f, values, unit }) => {
    const get = view(f);
    unit.textContent = ' · ' + f.of + (smooth(f) ? ', mean of 5' : '');
    u.setData([get('minutes'), ...f.lines.map((l) => get(l.column))]);
    say(u, f, values);
  });
  for (const [column, color] of [['admit', 'green'], ['waiting', 'amber'], ['invited', 'violet'], ['redeemed', 'green']]) spark(column, color);
  table();
}

function table() {
  const box = document.getElementById('numbers');
  if (!box.open) return;
  const names = ['UTC', 'load', 'target', 'share let in', 'came', 'let in', 'joined', 'waiting', 'invited', 'came back'];
  box.querySelector('thead').replaceChildren(element('tr', {}, ...names.map((n) => element('th', { scope: 'col' }, n))));
  const rows = [];
  for (let i = data.minutes.length - 1; i >= Math.max(0, data.minutes.length - 20); i--) {
    const cells = columns.map((c) => element('td', {}, c === 'load' || c === 'target' || c === 'admit' ? share(data[c][i]) : whole(data[c][i])));
    rows.push(element('tr', {}, element('th', { scope: 'row' }, time(data.minutes[i] * 1000)), ...cells));
  }
  box.querySelector('tbody').replaceChildren(...rows);
}

function again() {
  plots.forEach(({ u }) => u.destroy());
  plots = [];
  if (data.minutes.length) draw();
}

document.querySelectorAll('[data-range]').forEach((b) => b.addEventListener('click', () => {
  range = Number(b.dataset.range);
  document.querySelectorAll('[data-range]').forEach((o) => o.setAttribute('aria-pressed', String(o === b)));
  draw();
}));
document.getElementById('numbers').addEventListener('toggle', table);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
new ResizeObserver(() => plots.forEach(({ u, plot }) => {
  if (plot.clientWidth && plot.clientWidth !== u.width) u.setSize({ width: plot.clientWidth, height: plot.clientHeight });
})).observe(document.getElementById('charts'));
