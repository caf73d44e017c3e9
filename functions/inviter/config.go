package main

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
)

// config is what the template sets for the inviter. It states nothing again: what a
// value means and where it is bounded is said in pkg/admission, pkg/gate and
// pkg/aws/metrics, whose own checks are used.
//
// It has more than 15 fields: one for each variable of the template.
type config struct {
	// Stack names the stack in metrics.
	Stack string `env:"STACK,required"`
	// Table is the waitlist, QueueURL the queue to the sender.
	Table    string `env:"TABLE,required"`
	QueueURL string `env:"QUEUE_URL,required"`
	// KeysSecret is the ARN of the key ring.
	KeysSecret string `env:"KEYS_SECRET,required"`
	// EdgeStore is the ARN of the KeyValueStore, EdgeNamespace that of the metrics
	// that are filtered from the edge's lines.
	EdgeStore     string `env:"EDGE_STORE,required"`
	EdgeNamespace string `env:"EDGE_NAMESPACE"`

	// Mailer is ses, which is asked for its rate and quota, or smtp, whose are these.
	Mailer        string  `env:"MAILER" envDefault:"ses"`
	SMTPPerSecond float64 `env:"SMTP_PER_SECOND" envDefault:"5"`
	SMTPPerDay    float64 `env:"SMTP_PER_DAY" envDefault:"0"`

	// Load*: where the site's load comes from; metrics.Source.
	LoadSource     string  `env:"LOAD_SOURCE" envDefault:"hand"`
	LoadFull       float64 `env:"LOAD_FULL" envDefault:"1"`
	LoadResource   string  `env:"LOAD_RESOURCE"`
	LoadRegion     string  `env:"LOAD_REGION"`
	LoadNamespace  string  `env:"LOAD_NAMESPACE"`
	LoadMetric     string  `env:"LOAD_METRIC"`
	LoadStatistic  string  `env:"LOAD_STATISTIC" envDefault:"Average"`
	LoadDimensions string  `env:"LOAD_DIMENSIONS"`
	LoadExpression string  `env:"LOAD_EXPRESSION"`

	// The admission law's; admission.Policy.
	Target     float64       `env:"TARGET" envDefault:"0.9"`
	Capacity   float64       `env:"CAPACITY" envDefault:"0"`
	QueueFirst float64       `env:"QUEUE_FIRST" envDefault:"0.3"`
	MaxInvites int           `env:"MAX_INVITES" envDefault:"20000"`
	Law        string        `env:"LAW" envDefault:"observer"`
	Floor      float64       `env:"FLOOR" envDefault:"0.1"`
	CodeLife   time.Duration `env:"CODE_LIFE" envDefault:"24h"`
	// QuietHours are written FROM-UNTIL and the distance from UTC:
	// 22:00-07:00-05:00. Empty is never.
	QuietHours string `env:"QUIET_HOURS"`

	// What the edge must know; gate.Settings.
	PassLife   time.Duration `env:"PASS_LIFE" envDefault:"1h"`
	Languages  []string      `env:"LANGUAGES,required"`
	LeaveAlone []string      `env:"LEAVE_ALONE"`
	Strict     []string      `env:"STRICT"`
	Sample     int           `env:"SAMPLE" envDefault:"10"`
	// EdgeFailure is open or hold, StaleShare the share that is let in when the last
	// decision has run out.
	EdgeFailure string  `env:"EDGE_FAILURE" envDefault:"open"`
	StaleShare  float64 `env:"STALE_SHARE" envDefault:"0.25"`
}

// parallel is how many requests to the table are under way at once: 20,000
// claims of some 5 ms are then two seconds of the tick's 50.
const parallel = 50

var quietHours = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\d\d:\d\d)-(\d\d:\d\d)([+-]\d\d:\d\d)$`)
})

// Validate names everything that is wrong.
func (c *config) Validate() error {
	var problems []error
	if c.QuietHours != "" && !quietHours().MatchString(c.QuietHours) {
		problems = append(problems, fmt.Errorf("QUIET_HOURS: %q is not written as 22:00-07:00-05:00", c.QuietHours))
	}
	if !(c.StaleShare >= 0 && c.StaleShare <= 1) {
		problems = append(problems, fmt.Errorf("STALE_SHARE: %g is not a share between 0 and 1", c.StaleShare))
	}
	if _, err := gate.ParseFailure(c.EdgeFailure); err != nil {
		problems = append(problems, fmt.Errorf("EDGE_FAILURE: %w", err))
	}
	if c.Mailer != "ses" && c.Mailer != "smtp" {
		problems = append(problems, fmt.Errorf("MAILER: %q is neither ses nor smtp", c.Mailer))
	}
	if !(c.SMTPPerSecond > 0) || !(c.SMTPPerDay >= 0) {
		problems = append(problems, errors.New("SMTP_PER_SECOND, SMTP_PER_DAY: want a rate above 0 and a quota of 0 or more"))
	}
	if c.Sample < 1 {
		problems = append(problems, errors.New("SAMPLE: one visitor in at least one is counted"))
	}
	return errors.Join(append(problems, c.source().Validate(), c.policy().Validate(), c.gate().Validate(), c.gate().Fit())...)
}

func (c *config) source() metrics.Source {
	return metrics.Source{
		Preset: c.LoadSource, Full: c.LoadFull, Resource: c.LoadResource, Region: c.LoadRegion,
		Namespace: c.LoadNamespace, Name: c.LoadMetric, Statistic: c.LoadStatistic, Dimensions: c.LoadDimensions,
		Expression: c.LoadExpression,
	}
}

func (c *config) policy() admission.Policy {
	p := admission.DefaultPolicy()
	p.Target, p.Capacity, p.QueueFirst, p.MaxInvitesPerMinute = c.Target, c.Capacity, c.QueueFirst, c.MaxInvites
	p.Law, p.Floor, p.CodeTTL = c.Law, c.Floor, admission.Duration(c.CodeLife)
	if m := quietHours().FindStringSubmatch(c.QuietHours); m != nil {
		p.Quiet = &admission.Quiet{From: m[1], Until: m[2], Offset: m[3]}
	}
	return p
}

func (c *config) gate() gate.Settings {
	return gate.Settings{LeaveAlone: c.LeaveAlone, Strict: c.Strict, Languages: email.Offered(c.Languages), PassLife: c.PassLife, Sample: c.Sample}
}

func (c *config) settings() inviter.Settings {
	return inviter.Settings{
		Policy: c.policy(), Gate: c.gate(), Failure: gate.Failure(c.EdgeFailure), Stale: c.StaleShare, Parallel: parallel,
	}
}

// relay makes the settings the account, where a relay sends, which has none to ask.
func (c *config) relay(s *inviter.Service) {
	if c.Mailer == "smtp" {
		s.Mail = inviter.Allowance{PerSecond: c.SMTPPerSecond, PerDay: c.SMTPPerDay, Store: s.Store, Now: time.Now}
	}
}
