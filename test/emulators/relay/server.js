'use strict';
// A mail relay on npm smtp-server, which somebody else wrote and which speaks the
// protocol to the letter: STARTTLS, a login, one JSON line for each mail that it
// took. A line on standard input says how it answers from then on.
const { SMTPServer } = require('smtp-server');
const { simpleParser } = require('mailparser');
const fs = require('fs');
const readline = require('readline');

const [key, cert] = [fs.readFileSync(process.argv[2]), fs.readFileSync(process.argv[3])];
let answer = '';
const refuse = (code, text) => Object.assign(new Error(text), { responseCode: code });
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');

const server = new SMTPServer({
  key, cert, authMethods: ['PLAIN', 'LOGIN'], disableReverseLookup: true,
  onAuth(auth, session, done) {
    if (answer === 'auth' || auth.username !== 'queue' || auth.password !== 'canary-secret') {
      return done(refuse(535, '5.7.8 wrong'));
    }
    done(null, { user: auth.username });
  },
  onRcptTo(address, session, done) {
    if (answer === 'recipient') return done(refuse(550, `5.1.1 <${address.address}>: no such user`));
    if (answer === 'later') return done(refuse(450, `4.2.0 <${address.address}>: greylisted`));
    done();
  },
  onData(stream, session, done) {
    if (answer === 'break') {
      stream.once('data', () => server.connections.forEach((c) => c._socket.destroy()));
      stream.resume();
      return;
    }
    simpleParser(stream).then((mail) => {
      const [code, text] = { throttle: [451, '4.7.0 too fast'], quota: [550, '5.4.5 the day is used up'], refuse: [554, '5.7.1 no'] }[answer] || [];
      if (code) return done(refuse(code, text));
      say({
        from: mail.from.value[0].address, to: session.envelope.rcptTo.map((r) => r.address), subject: mail.subject, text: mail.text, html: mail.html,
        headers: Object.fromEntries(mail.headerLines.map((h) => [h.key, h.line.slice(h.line.indexOf(':') + 1).trim()])), at: Date.now(),
      });
      if (answer === 'lose') return server.connections.forEach((c) => c._socket.destroy());
      if (answer === 'hang') return;
      done(null, 'kept');
    });
  },
});
server.on('error', () => {});
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  answer = line;
  if (line === 'away') return server.close(() => say({ answer }));
  say({ answer });
});
server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
