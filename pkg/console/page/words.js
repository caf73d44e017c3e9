// Numbers and times in the reader's words. Times are the instance's own, shown
// in UTC as the law and the mails say them.

export const count = new Intl.NumberFormat('en').format;
export const share = (v) => (v === null || v === undefined ? '–' : v < 0.1 && v > 0 ? (100 * v).toFixed(1) + ' %' : Math.round(100 * v) + ' %');
export const whole = (v) => (v === null || v === undefined ? '–' : count(Math.round(v)));

export function time(value, seconds) {
  const d = value instanceof Date ? value : new Date(value);
  return d.toISOString().slice(11, seconds ? 19 : 16);
}
export function day(value) {
  return new Date(value).toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
}

// set changes the page only where it differs, so that a reader's selection and
// a screen reader's place stay.
export function set(id, text) {
  const e = document.getElementById(id);
  if (e.textContent !== text) e.textContent = text;
  return e;
}

// element makes one with properties and children; text is never parsed as HTML.
export function element(name, props, ...children) {
  const e = document.createElement(name);
  Object.entries(props || {}).forEach(([k, v]) => { if (k in e) e[k] = v; else e.setAttribute(k, v); });
  e.append(...children);
  return e;
}

export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw Object.assign(new Error((await answer.text()).trim()), { refused: answer.status });
  return answer.json();
}
