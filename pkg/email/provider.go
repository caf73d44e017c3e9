package email

// Provider is which of the large mail providers an address is with. Metrics are
// kept by it, and only what a large provider says of our mail can stop it:
// nobody can speak for one of them by owning a domain.
type Provider string

// The providers, and Elsewhere for all others. They are values of a tag of the
// mail, and so of SES's events.
const (
	Gmail     Provider = "gmail"
	Microsoft Provider = "microsoft"
	Yahoo     Provider = "yahoo"
	Apple     Provider = "apple"
	Elsewhere Provider = "other"
)

// Providers lists them all.
func Providers() []Provider { return []Provider{Gmail, Microsoft, Yahoo, Apple, Elsewhere} }

// provided are the domains in which a provider gives mailboxes to the public.
// Companies whose own domain is with one of them cannot be seen without asking DNS
// and are counted elsewhere.
var provided = map[string]Provider{
	"gmail.com": Gmail, "googlemail.com": Gmail,

	"outlook.com": Microsoft, "hotmail.com": Microsoft, "live.com": Microsoft, "msn.com": Microsoft,
	"outlook.fr": Microsoft, "outlook.de": Microsoft, "outlook.es": Microsoft, "outlook.it": Microsoft, "outlook.com.br": Microsoft,
	"hotmail.co.uk": Microsoft, "hotmail.fr": Microsoft, "hotmail.de": Microsoft, "hotmail.es": Microsoft, "hotmail.it": Microsoft, "hotmail.com.br": Microsoft,
	"live.co.uk": Microsoft, "live.fr": Microsoft, "live.de": Microsoft, "live.it": Microsoft, "live.nl": Microsoft,

	"yahoo.com": Yahoo, "ymail.com": Yahoo, "rocketmail.com": Yahoo, "aol.com": Yahoo,
	"yahoo.co.uk": Yahoo, "yahoo.fr": Yahoo, "yahoo.de": Yahoo, "yahoo.es": Yahoo, "yahoo.it": Yahoo, "yahoo.ca": Yahoo,
	"yahoo.com.br": Yahoo, "yahoo.com.mx": Yahoo, "yahoo.com.ar": Yahoo, "yahoo.com.ph": Yahoo, "yahoo.co.in": Yahoo, "yahoo.in": Yahoo,

	"icloud.com": Apple, "me.com": Apple, "mac.com": Apple,
}

// Provider is the large provider of the address's domain, or Elsewhere.
func (a Address) Provider() Provider {
	if p, known := provided[a.domain]; known {
		return p
	}
	return Elsewhere
}
