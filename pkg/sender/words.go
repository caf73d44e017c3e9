package sender

import (
	"context"
	"time"

	"raincheck/pkg/site"
)

// wordsFor is how long it relies on what it read of the site's words.
const wordsFor = time.Minute

// said is what was read of the words of one language, and when they were asked
// for.
type said struct {
	words site.Words
	asked time.Time
}

// words are what the operator says of the site in a language: one read a minute,
// none a mail. A store that does not answer leaves what was read last, and a site
// that nobody has described has a name.
func (s *Service) words(ctx context.Context, language string, now time.Time) site.Words {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.said[language]
	if age := now.Sub(last.asked); !known || age >= wordsFor || age < 0 {
		last.asked = now
		read, err := s.Store.Words(ctx, language)
		switch {
		case err == nil:
			last.words = read
		case s.Log != nil:
			s.Log.WarnContext(ctx, "sender: read the words of the site; what was read last stands", "language", language, "error", err)
		}
		if s.said == nil {
			s.said = map[string]said{}
		}
		s.said[language] = last
	}
	return last.words.Or(site.Words{Name: s.Site})
}
