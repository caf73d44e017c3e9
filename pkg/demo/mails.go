package demo

import (
	"context"

	"raincheck/pkg/console"
	"raincheck/pkg/twin/outbox"
)

// Mails lists the newest mails, those to people at a browser before the others.
func (in *Instance) Mails(_ context.Context, limit int) ([]console.Mail, error) {
	all := in.post.all()
	out := make([]console.Mail, 0, limit)
	for _, m := range all[:min(limit, len(all))] {
		out = append(out, head(m))
	}
	return out, nil
}

// Mail gives one mail in full.
func (in *Instance) Mail(_ context.Context, id string) (console.Mail, bool, error) {
	for _, m := range in.post.all() {
		if m.ID != id {
			continue
		}
		mail := head(m)
		mail.From, mail.Text, mail.HTML = m.From, m.Text, m.HTML
		mail.Headers = [][2]string{{"From", m.From}, {"To", m.To}, {"Subject", m.Subject}}
		for _, h := range m.Headers {
			mail.Headers = append(mail.Headers, [2]string{h.Name, h.Value})
		}
		return mail, true, nil
	}
	return console.Mail{}, false, nil
}

func head(m outbox.Mail) console.Mail {
	return console.Mail{ID: m.ID, At: m.At, To: m.To, Subject: m.Subject, Person: !simulated(m.To)}
}
