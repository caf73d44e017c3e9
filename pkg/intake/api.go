package intake

import (
	"context"
	"encoding/json"
	"net/http"
)

// reply is what a sign-up by JSON is answered with, under the same statuses as
// the pages.
type reply struct {
	// Joined says that the address is saved.
	Joined bool `json:"joined"`
	// Title and Message are to be shown as they are.
	Title   string   `json:"title"`
	Message []string `json:"message"`
	// Error names what went wrong (a key of the words), Field what it is about.
	Error string `json:"error,omitempty"`
	Field string `json:"field,omitempty"`
	// Suggestion is the address that was probably meant; nothing is saved yet. Accept
	// and Insist are the labels of two buttons: to post it instead, and to post the
	// same address again with "insist":true, where mail could go to it at all.
	Suggestion string `json:"suggestion,omitempty"`
	Accept     string `json:"accept,omitempty"`
	Insist     string `json:"insist,omitempty"`
	// Receipt is the path of the receipt, ReceiptText what the link to it says.
	Receipt     string `json:"receipt,omitempty"`
	ReceiptText string `json:"receiptText,omitempty"`
	// Stamp is a fresh one, to post again with.
	Stamp string `json:"stamp,omitempty"`
}

// json is the page for a script.
func (w *view) json() []byte {
	r := reply{Title: w.heading()}
	switch {
	case w.Page == "joined":
		r.Joined = true
		r.Message = []string{w.Say("joined.lead")}
		if w.Open {
			r.Message = append(r.Message, w.Say("open.title")+". "+w.Say("open.lead"))
		} else if w.Progress != "" {
			r.Message = append(r.Message, w.Progress)
		}
		r.Message = append(r.Message, w.Say("joined.mail"), w.Say("joined.nothing"))
		if w.Receipt != "" {
			r.Receipt, r.ReceiptText = string(w.receiptURL()), w.Say("joined.receipt")
		}
	case w.Page == "slip":
		r.Error, r.Field, r.Suggestion = "email.slip", "email", w.Meant
		r.Message = []string{w.heading() + ".", w.Say("slip.ask")}
		r.Accept = w.Say("slip.accept")
		if w.CanInsist {
			r.Insist = w.Say("slip.insist")
		}
	case len(w.Errors) > 0:
		r.Error, r.Field, r.Stamp = w.errorKey, w.Errors[0].Field, w.Stamp
		r.Title = w.Say("problem")
		r.Message = []string{w.Errors[0].Text}
	default:
		r.Error = w.Title
		if w.Text != "" {
			r.Message = []string{w.Say(w.Text)}
		}
		for _, more := range w.More {
			r.Message = append(r.Message, w.Say(more))
		}
	}
	// Strings alone cannot fail to encode.
	out, _ := json.Marshal(r)
	return append(out, '\n')
}

// embeddedForm is what embed.js builds the form from.
type embeddedForm struct {
	Lang      string `json:"lang"`
	Direction string `json:"dir"`
	Title     string `json:"title"`
	// Said is the operator's message, SaidLang and SaidDir its language.
	Said     string          `json:"said,omitempty"`
	SaidLang string          `json:"saidLang,omitempty"`
	SaidDir  string          `json:"saidDir,omitempty"`
	Lead     []string        `json:"lead"`
	Inputs   []embeddedInput `json:"inputs,omitempty"`
	Trap     string          `json:"trap,omitempty"`
	Stamp    string          `json:"stamp,omitempty"`
	Button   string          `json:"button,omitempty"`
	Sending  string          `json:"sending,omitempty"`
	Failed   string          `json:"failed,omitempty"`
	// Open says that nobody has to wait and Button leads on.
	Open bool `json:"open,omitempty"`
}

type embeddedInput struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Hint  string `json:"hint,omitempty"`
}

// embedded gives the form to embed.js: what the page has, as JSON. Any page may
// read it, because anybody can read the page.
func (rm *room) embedded(ctx context.Context, v *visit) (answer, error) {
	a, err := rm.form(ctx, v)
	if err != nil {
		return answer{}, err
	}
	w := a.view
	f := embeddedForm{
		Lang: v.lang.Tag, Direction: v.lang.Direction, Title: w.heading(),
		Said: w.Said.Text, SaidLang: w.Said.Lang, SaidDir: w.Said.Direction,
	}
	switch w.Page {
	case "open":
		f.Open, f.Lead, f.Button = true, []string{w.Say("open.lead"), w.Say("open.note")}, w.Say("open.button")
	case "closed":
		for _, more := range w.More {
			f.Lead = append(f.Lead, w.Say(more))
		}
	default:
		f.Lead = []string{w.Say("form.order")}
		if w.Progress != "" {
			f.Lead = append(f.Lead, w.Progress)
		}
		for _, in := range append([]input{w.Email}, w.Fields...) {
			f.Inputs = append(f.Inputs, embeddedInput{in.Name, in.Label, in.Hint})
		}
		f.Trap, f.Stamp, f.Button = w.Say("form.trap"), w.Stamp, w.Say("form.button")
		f.Sending, f.Failed = w.Say("embed.sending"), w.Say("form.busy")
	}
	out, err := json.Marshal(f)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, raw: append(out, '\n'), kind: "application/json; charset=utf-8", cached: true, shared: true}, nil
}
