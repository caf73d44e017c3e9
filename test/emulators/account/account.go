// Package account is a stand-in for what the operators' tool asks about an AWS
// account and (but for SES's suppression list, which bounces and complaints fill) never changes: Lambda's and API Gateway's quotas, SES's account,
// identity and configuration set, and the log group of the edge's functions. It
// answers in the services' own protocols to the SDK's own clients, each on its
// own host as the SDK is told to find it.
package account

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Account is what the services say. The zero Account is a new one: small, in
// SES's sandbox, with no identity and no log group. Change changes it.
type Account struct {
	mu    sync.Mutex
	state State
}

// State is what an Account answers.
//
// It has more than 15 fields: one for each answer of the account's APIs.
type State struct {
	// Executions may run at once in Lambda, Free of them are not reserved.
	Executions, Free int
	// Rate and Burst are API Gateway's throttle.
	Rate, Burst int

	// Sandbox, Suspended and Enforcement (HEALTHY, PROBATION, SHUTDOWN) are SES's.
	Sandbox, Suspended bool
	Enforcement        string
	// PerSecond, PerDay and Sent are SES's quota, and what was used of it.
	PerSecond, PerDay, Sent float64

	// Identity is the one that SES has; Verified, its state; Tokens its DKIM keys.
	// Forwards says that SES mails each bounce to the sender as well.
	Identity           string
	Verified, Forwards bool
	Tokens             []string
	// MailFrom is its MAIL FROM domain, MailFromPending that SES has not found its MX
	// record.
	MailFrom        string
	MailFromPending bool

	// Set is the configuration set, SetSuspended what is wrong with it, Untracked that
	// it has the deliverability manager's tracking off; Manager says that the account
	// has one. Events are those that come back by EventBridge.
	Set                              string
	SetSuspended, Manager, Untracked bool
	Events                           []string

	// Suppressed is the suppression list of SES's account: an address, and why and
	// when it came there.
	Suppressed []Suppressed
	// Reasons are the configuration set's SuppressedReasons; nil where it says nothing.
	Reasons []string

	// Group is the log group in us-east-1, Filters the metrics made of it as
	// Namespace/Name, Lines how many lines it has.
	Group   string
	Filters []string
	Lines   int
}

// Suppressed is one address on SES's suppression list.
type Suppressed struct {
	Address, Reason string
	At              time.Time
}

// Ready is an account in which everything is as raincheck wants it, for a stack
// of that name, its mail identity and its configuration set.
func Ready(stack, identity, set string) State {
	return State{
		Executions: 1000, Free: 1000, Rate: 10000, Burst: 5000,
		Enforcement: "HEALTHY", PerSecond: 50, PerDay: 250000, Sent: 1200,
		Identity: identity, Verified: true, Tokens: []string{"aaaa", "bbbb", "cccc"}, MailFrom: "mail." + identity,
		Set: set, Events: []string{"SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY"},
		Group:   "/aws/cloudfront/function/" + stack + "-throttle",
		Filters: []string{"Raincheck/" + stack + "/Visitors", "Raincheck/" + stack + "/Admitted"}, Lines: 3,
	}
}

// Change changes what is answered from now on.
func (a *Account) Change(change func(*State)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.state)
}

// object is a JSON object of a service's answer.
type object map[string]any

// ServeHTTP answers any of the services: the paths do not meet.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	path, err := url.PathUnescape(r.URL.EscapedPath())
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", "the path cannot be read")
		return
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "Logs_20140328."):
		a.logs(w, r, strings.TrimPrefix(target, "Logs_20140328."))
	case strings.HasPrefix(path, "/2016-08-19/account-settings"):
		answer(w, object{"AccountLimit": object{"ConcurrentExecutions": s.Executions, "UnreservedConcurrentExecutions": s.Free}, "AccountUsage": object{}})
	case path == "/account":
		answer(w, object{"throttleSettings": object{"rateLimit": s.Rate, "burstLimit": s.Burst}})
	case path == "/v2/email/account":
		manager := object{"VdmEnabled": "DISABLED"}
		if s.Manager {
			manager = object{"VdmEnabled": "ENABLED", "DashboardAttributes": object{"EngagementMetrics": "ENABLED"}}
		}
		answer(w, object{"VdmAttributes": manager, "ProductionAccessEnabled": !s.Sandbox, "SendingEnabled": !s.Suspended, "EnforcementStatus": s.Enforcement,
			"SendQuota": object{"MaxSendRate": s.PerSecond, "Max24HourSend": s.PerDay, "SentLast24Hours": s.Sent}})
	case strings.HasPrefix(path, "/v2/email/suppression/addresses"):
		a.suppressed(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "/v2/email/suppression/addresses"), "/"))
	case strings.HasPrefix(path, "/v2/email/identities/"):
		a.identity(w, strings.TrimPrefix(path, "/v2/email/identities/"))
	case strings.HasPrefix(path, "/v2/email/configuration-sets/"):
		a.set(w, strings.TrimPrefix(path, "/v2/email/configuration-sets/"))
	default:
		refuse(w, http.StatusNotFound, "UnknownOperationException", r.Method+" "+path)
	}
}

func (a *Account) identity(w http.ResponseWriter, name string) {
	s := a.state
	if name != s.Identity || name == "" {
		refuse(w, http.StatusNotFound, "NotFoundException", "Email identity "+name+" does not exist.")
		return
	}
	status := "SUCCESS"
	if !s.Verified {
		status = "PENDING"
	}
	from := object{"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
	if s.MailFrom != "" {
		from = object{"BehaviorOnMxFailure": "USE_DEFAULT_VALUE", "MailFromDomain": s.MailFrom, "MailFromDomainStatus": map[bool]string{false: "SUCCESS", true: "PENDING"}[s.MailFromPending]}
	}
	answer(w, object{"MailFromAttributes": from, "IdentityType": "DOMAIN", "FeedbackForwardingStatus": s.Forwards, "VerifiedForSendingStatus": s.Verified, "VerificationStatus": status,
		"DkimAttributes": object{"SigningEnabled": true, "Status": status, "SigningAttributesOrigin": "AWS_SES", "Tokens": s.Tokens}})
}

func (a *Account) set(w http.ResponseWriter, path string) {
	s := a.state
	name, events := strings.CutSuffix(path, "/event-destinations")
	if name != s.Set || name == "" {
		refuse(w, http.StatusNotFound, "NotFoundException", "Configuration set <"+name+"> does not exist.")
		return
	}
	if events {
		answer(w, object{"EventDestinations": []object{{"Name": "default-bus", "Enabled": true, "MatchingEventTypes": s.Events,
			"EventBridgeDestination": object{"EventBusArn": "arn:aws:events:eu-west-1:111122223333:event-bus/default"}}}})
		return
	}
	about := object{"ConfigurationSetName": name, "SendingOptions": object{"SendingEnabled": !s.SetSuspended}}
	if s.Untracked {
		about["VdmOptions"] = object{"DashboardOptions": object{"EngagementMetrics": "DISABLED"}}
	}
	answer(w, about)
}

// suppressed lists, or takes an address off, one a page so that a caller must go on.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ListSuppressedDestinations.html
func (a *Account) suppressed(w http.ResponseWriter, r *http.Request, address string) {
	if r.Method == http.MethodDelete {
		at := slices.IndexFunc(a.state.Suppressed, func(s Suppressed) bool { return s.Address == address })
		if at < 0 {
			refuse(w, http.StatusNotFound, "NotFoundException", "Email address "+address+" does not exist on your suppression list.")
			return
		}
		a.state.Suppressed = slices.Delete(slices.Clone(a.state.Suppressed), at, at+1)
		answer(w, object{})
		return
	}
	query := r.URL.Query()
	since, err := time.Parse(time.RFC3339, query.Get("StartDate"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", "StartDate")
		return
	}
	// The place to go on is a name and not a number: a page may be taken off meanwhile.
	page, next := []object{}, ""
	for _, s := range a.state.Suppressed {
		if s.Reason != query.Get("Reason") || s.At.Before(since) || s.Address <= query.Get("NextToken") {
			continue
		}
		if len(page) == 1 {
			next = page[0]["EmailAddress"].(string)
			break
		}
		page = append(page, object{"EmailAddress": s.Address, "Reason": s.Reason, "LastUpdateTime": s.At.Unix()})
	}
	out := object{"SuppressedDestinationSummaries": page}
	if next != "" {
		out["NextToken"] = next
	}
	answer(w, out)
}

// logs answers what is asked of CloudWatch Logs; the group is in us-east-1 only.
func (a *Account) logs(w http.ResponseWriter, r *http.Request, operation string) {
	s := a.state
	var in struct{ LogGroupNamePrefix, LogGroupName string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, "InvalidParameterException", err.Error())
		return
	}
	here := s.Group != "" && strings.Contains(r.Header.Get("Authorization"), "/us-east-1/logs/")
	switch {
	case operation == "DescribeLogGroups":
		groups := []object{}
		if here && strings.HasPrefix(s.Group, in.LogGroupNamePrefix) {
			groups = append(groups, object{"logGroupName": s.Group, "retentionInDays": 7})
		}
		answer(w, object{"logGroups": groups})
	case !here || in.LogGroupName != s.Group:
		refuse(w, http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
	case operation == "DescribeMetricFilters":
		filters := []object{}
		for _, f := range s.Filters {
			i := strings.LastIndex(f, "/")
			filters = append(filters, object{"filterName": f[i+1:], "filterPattern": "[id, tag=rc1, visitors, admitted]", "logGroupName": s.Group,
				"metricTransformations": []object{{"metricNamespace": f[:i], "metricName": f[i+1:], "metricValue": "$visitors"}}})
		}
		answer(w, object{"metricFilters": filters})
	case operation == "FilterLogEvents":
		events := []object{}
		if s.Lines > 0 {
			events = append(events, object{"message": "a1 rc1 10 10", "timestamp": time.Now().UnixMilli()})
		}
		answer(w, object{"events": events})
	default:
		refuse(w, http.StatusBadRequest, "UnknownOperationException", operation)
	}
}

func answer(w http.ResponseWriter, body object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}
