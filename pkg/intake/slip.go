package intake

import (
	"net/http"

	"raincheck/pkg/email"
)

// slip is the page that asks whether an address is what was meant, before anything
// is saved: mail to a domain that somebody mistyped never arrives, and they would
// wait for it. It asks about a domain that is one slip from a large provider's, and
// about one that cannot be (a dash that is not a hyphen, no dot), for which address is
// zero. It says false where there is nothing to ask or the visitor has insisted.
//
// The page has no field to type in. Its buttons carry the addresses, so that one
// press accepts, one insists, and the Enter key chooses for nobody.
func (v *visit) slip(address email.Address) (answer, bool) {
	typed := v.form.Get("email")
	meant, ok := email.Suggest(typed)
	if insisted, err := email.Parse(v.form.Get("insist")); !ok || err == nil && insisted == address {
		return answer{}, false
	}
	w := v.view("slip", "slip.title")
	w.Meant, w.Typed = meant, clip(typed)
	w.values = append(w.values, "meant", meant)
	if !address.IsZero() {
		w.Typed, w.CanInsist = address.Reveal(), true
		w.values = append(w.values, "typed", w.Typed)
	}
	w.Stamp, w.To = v.form.Get("stamp"), v.wanted()
	for _, f := range v.room.Fields {
		w.Fields = append(w.Fields, input{Name: f.Name, Value: clip(v.form.Get(f.Name))})
	}
	if v.page == "keep" {
		w.Action, w.Code.Value = string(w.keepURL()), clip(v.form.Get("code"))
	}
	return answer{status: http.StatusUnprocessableEntity, view: w}, true
}
