package console

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// outbox is the mail that a local instance would have sent.
type outbox interface {
	// Mails lists the newest mails first, without their text.
	Mails(ctx context.Context, limit int) ([]Mail, error)
	// Mail gives one in full; false when it is not kept any more.
	Mail(ctx context.Context, id string) (Mail, bool, error)
}

// mailsShown is how many mails the list has: more than a person reads, and
// little enough to send every few seconds.
const mailsShown = 100

func (c *Console) mails(w http.ResponseWriter, r *http.Request) {
	if c.Outbox == nil {
		http.NotFound(w, r)
		return
	}
	list, err := c.Outbox.Mails(r.Context(), mailsShown)
	if list == nil {
		list = []Mail{}
	}
	c.answer(w, list, err)
}

func (c *Console) mail(w http.ResponseWriter, r *http.Request) {
	if mail, ok := c.read(w, r); ok {
		c.answer(w, mail, nil)
	}
}

// rendered is the HTML of a mail for an iframe. Its own policy shuts out
// scripts, pictures and forms; a link opens in a new tab, as in a mail program.
func (c *Console) rendered(w http.ResponseWriter, r *http.Request) {
	mail, ok := c.read(w, r)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	h.Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, withTarget(mail.HTML))
}

// withTarget makes every link of a mail open in a new tab.
func withTarget(html string) string {
	const base = `<base target="_blank">`
	if i := strings.Index(html, "<head>"); i >= 0 {
		return html[:i+len("<head>")] + base + html[i+len("<head>"):]
	}
	return base + html
}

func (c *Console) read(w http.ResponseWriter, r *http.Request) (Mail, bool) {
	if c.Outbox == nil {
		http.NotFound(w, r)
		return Mail{}, false
	}
	mail, ok, err := c.Outbox.Mail(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		c.answer(w, nil, err)
	case !ok:
		http.Error(w, "That mail is not kept any more.", http.StatusNotFound)
	}
	return mail, ok && err == nil
}
