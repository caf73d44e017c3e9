// The waiting room's form, inside another page:
//   <script src="/waiting-room/embed.js" data-lang="es" data-to="/apply" async></script>
// It takes on the style of the page, needs only script-src and connect-src of a
// content security policy, and loses nothing that was typed.
(function (here) {
  'use strict';
  var base = here.src.replace(/embed\.js.*$/, '');
  var ours = base.indexOf(location.origin + '/') === 0;
  var lang = (here.getAttribute('data-lang') || document.documentElement.lang || 'en').toLowerCase().replace('_', '-');
  var to = here.getAttribute('data-to') || (ours ? location.pathname + location.search : '/');
  // A page at //evil.example/ of a site that answers every path is not to link there.
  if (!/^\/(?![/\\])/.test(to)) to = '/';

  function el(tag, props, kids) {
    var e = document.createElement(tag);
    for (var k in props) e.setAttribute(k, props[k]);
    (kids || []).forEach(function (kid) { e.append(kid); });
    return e;
  }
  function paragraphs(list) {
    return list.map(function (text) { return el('p', {}, [text]); });
  }

  function build(f) {
    var inputs = {};
    var busy = false;
    var title = el('h2', { tabindex: '-1' }, [f.title]);
    var box = el('section', { 'class': 'raincheck', lang: f.lang, dir: f.dir }, (f.said ? [el('p', { lang: f.saidLang, dir: f.saidDir }, [f.said])] : []).concat(title, paragraphs(f.lead)));
    here.after(box);
    if (f.open) box.append(el('p', {}, [el('a', { href: new URL(to, base).href }, [f.button])]));
    if (!f.inputs) return;

    var status = el('p', { role: 'status', 'aria-live': 'polite' });
    var error = el('p', { role: 'alert', id: 'raincheck-error' });
    var form = el('form', { method: 'post', action: base + f.lang + '/?to=' + encodeURIComponent(to), novalidate: '' });
    f.inputs.forEach(function (i) {
      var id = 'raincheck-' + i.name;
      var input = inputs[i.name] = el('input', { id: id, name: i.name });
      if (i.name === 'email') {
        input.type = input.autocomplete = 'email';
        input.dir = 'ltr';
      }
      form.append(el('p', {}, [el('label', { 'for': id }, [i.label]), ' ', input]));
      if (i.hint) {
        input.setAttribute('aria-describedby', id + '-hint');
        form.append(el('p', { id: id + '-hint' }, [i.hint]));
      }
    });
    // Password managers leave a field with these attributes alone.
    var trap = el('input', { name: 'note', 'aria-label': f.trap, autocomplete: 'off', 'data-1p-ignore': '', 'data-bwignore': '', 'data-lpignore': 'true', 'data-form-type': 'other' });
    form.append(el('p', { hidden: '' }, [trap]), error, el('p', {}, [el('button', {}, [f.button])]), status);
    box.append(form);

    function fail(r) {
      var input = inputs[r.field];
      error.textContent = r.message || f.failed;
      // An address that may be a slip: one button takes the other one, one insists.
      [[r.accept, r.suggestion], [r.insist]].forEach(function (b) {
        if (!b[0]) return;
        var button = el('button', { type: 'button' }, [b[0]]);
        button.onclick = function () {
          if (b[1]) inputs.email.value = b[1];
          submit(!b[1]);
        };
        error.append(' ', button);
      });
      if (input) {
        input.setAttribute('aria-invalid', 'true');
        input.setAttribute('aria-errormessage', 'raincheck-error');
        input.focus();
      }
    }
    function send(insist, again) {
      var fields = {};
      for (var k in inputs) if (k !== 'email') fields[k] = inputs[k].value;
      return fetch(base + f.lang + '/', {
        method: 'POST', headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: inputs.email.value, to: to, stamp: f.stamp, note: trap.value, insist: insist, fields: fields })
      }).then(function (r) { return r.json(); }).then(function (r) {
        f.stamp = r.stamp || f.stamp;
        if (r.joined) {
          title.textContent = r.title;
          box.textContent = '';
          box.append(title, ...paragraphs(r.message));
          if (r.receipt) box.append(el('p', {}, [el('a', { href: new URL(r.receipt, base).href }, [r.receiptText])]));
          title.focus();
        } else if (r.error === 'form.stale' && !again) {
          return send(insist, true);
        } else {
          fail(r.error ? Object.assign(r, { message: r.message.join(' ') }) : {});
        }
      });
    }
    function submit(insist) {
      if (busy) return;
      busy = true;
      error.textContent = '';
      for (var k in inputs) inputs[k].removeAttribute('aria-invalid');
      status.textContent = f.sending;
      send(insist).catch(function () { fail({}); }).then(function () {
        busy = false;
        status.textContent = '';
      });
    }
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      submit(false);
    });
  }

  fetch(base + lang + '/form.json').then(function (r) {
    if (!r.ok) throw r;
    return r.json();
  }).then(build).catch(function () {
    var room = base + '?to=' + encodeURIComponent(to);
    here.after(el('p', { 'class': 'raincheck' }, [el('a', { href: room }, [here.getAttribute('data-link') || base])]));
  });
})(document.currentScript);
