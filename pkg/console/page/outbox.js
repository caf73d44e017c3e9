// The outbox: a list of mails and a reader. What a mail says is never run here:
// text goes in as text, HTML into a sandboxed frame under its own policy.
import { ask, day, element, time } from './words.js';

let chosen = null;
let seen = '';
let owned = 0;

export async function refresh() {
  const mails = await ask('api/outbox');
  const list = document.getElementById('mails');
  const now = mails.map((m) => m.id).join();
  if (now === seen) return;
  // Whoever is about to choose from the list shall not have it move under their
  // hand; their own mail is worth it.
  const own = mails.filter((m) => m.person).length;
  if (seen && own === owned && list.matches(':hover, :focus-within')) return;
  seen = now;
  owned = own;
  const held = document.activeElement && list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  // Mails to people come first: among thousands to simulated ones, the reader
  // looks for their own.
  mails.sort((a, b) => Number(b.person || false) - Number(a.person || false));
  list.replaceChildren(...mails.map(item));
  if (!mails.length) list.append(element('li', {}, element('button', { type: 'button', disabled: true }, element('span', { className: 'subject' }, 'No mail yet.'))));
  if (chosen === null && mails.length) await read(mails[0].id, true);
  if (held) list.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus();
}

function item(m) {
  const when = element('span', { className: 'when' }, element('time', { dateTime: m.at }, time(m.at)));
  if (m.person) when.prepend(element('span', { className: 'badge' }, 'yours'), ' ');
  const button = element('button', { type: 'button' }, element('span', { className: 'to' }, m.to), when, element('span', { className: 'subject' }, m.subject));
  button.dataset.id = m.id;
  button.setAttribute('aria-current', String(m.id === chosen));
  button.addEventListener('click', () => read(m.id));
  return element('li', {}, button);
}

// read shows a mail. By itself it does so once, so that there is something to
// see, and leaves the focus where it was.
async function read(id, itself) {
  const box = document.getElementById('mail');
  let mail;
  try { mail = await ask('api/outbox/' + encodeURIComponent(id)); } catch (e) { box.replaceChildren(element('p', {}, e.message)); return; }
  chosen = id;
  document.querySelectorAll('#mails button').forEach((b) => b.setAttribute('aria-current', String(b.dataset.id === id)));
  const body = element('div', {});
  const show = {
    'As text': () => element('pre', { tabIndex: 0, role: 'region', ariaLabel: 'The mail as text' }, ...linked(mail.text)),
    'As HTML': () => element('iframe', { title: 'The mail as HTML', src: 'outbox/' + encodeURIComponent(id) + '/html', sandbox: 'allow-popups allow-popups-to-escape-sandbox' }),
    'Headers': () => element('pre', { tabIndex: 0, role: 'region', ariaLabel: 'The headers of the mail' }, (mail.headers || []).map(([k, v]) => k + ': ' + v).join('\n')),
  };
  const buttons = Object.keys(show).map((name) => element('button', { type: 'button' }, name));
  const choose = (b) => {
    buttons.forEach((o) => o.setAttribute('aria-pressed', String(o === b)));
    body.replaceChildren(show[b.textContent]());
  };
  buttons.forEach((b) => b.addEventListener('click', () => choose(b)));
  box.replaceChildren(
    element('h3', {}, mail.subject),
    element('p', { className: 'meta' }, `to ${mail.to} · ${day(mail.at)} ${time(mail.at, true)} UTC`),
    element('div', { className: 'segments', role: 'group', ariaLabel: 'How to show the mail' }, ...buttons), body);
  choose(buttons[0]);
  if (!itself) box.focus({ preventScroll: matchMedia('(min-width: 56rem)').matches });
}

// linked turns the links of a plain text into links, and nothing else.
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, i) => (i % 2 ? element('a', { href: part, target: '_blank', rel: 'noopener' }, part) : part));
}
