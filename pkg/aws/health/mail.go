package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"raincheck/pkg/format"
)

// Resolver is the DNS as far as the doctor asks it: a receiving mail server
// looks up the same records in the same way.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// MailAccount says whether this account may mail strangers, how fast and how many,
// and whether so many senders at once, 0 for unknown, keep up with the rate. The
// quota of the day is held against how many wait.
func MailAccount(ctx context.Context, cfg aws.Config, senders float64, waiting int) ([]Finding, error) {
	out, err := sesv2.NewFromConfig(cfg).GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return nil, fmt.Errorf("reading the mail account: %w", err)
	}
	var found []Finding
	switch status := aws.ToString(out.EnforcementStatus); {
	case status == "SHUTDOWN" || !out.SendingEnabled:
		found = append(found, Bad("Answer SES's mail about it, or open a case; until then `raincheck invite N --to FILE` and another mailer.",
			"SES has suspended sending for this account (%s)", strings.ToLower(status)))
	case status == "PROBATION":
		found = append(found, Warn("Look at the account's reputation in the SES console: bounces and complaints.", "SES reviews this account (probation); it may suspend sending"))
	}
	if !out.ProductionAccessEnabled {
		found = append(found, Bad("Ask for production access in the SES console, days ahead; until then `raincheck invite N --to FILE` and another mailer.",
			"the account is in SES's sandbox: it mails to verified addresses only, 200 a day"))
	}
	if q := out.SendQuota; q != nil {
		perHour := q.MaxSendRate * rateUsed * 3600
		says := fmt.Sprintf("%g mails a second, %s a day, %s of them sent in the last 24 hours", q.MaxSendRate, quota(q.Max24HourSend), format.Thousands(int(q.SentLast24Hours)))
		switch {
		case q.Max24HourSend > 0 && q.SentLast24Hours > 0.8*q.Max24HourSend:
			found = append(found, Bad("Ask for a higher quota in the SES console, or wait: the 24 hours roll.", "%s: the day's quota is nearly used up", says))
		case out.ProductionAccessEnabled && q.MaxSendRate < 14:
			found = append(found, Warn("Ask for a higher rate in the SES console.", "%s: %s invitations an hour at the most", says, format.Thousands(int(perHour))))
		default:
			found = append(found, OK("%s: %s invitations an hour at the most", says, format.Thousands(int(perHour))))
		}
		if senders > 0 && senders < 2*q.MaxSendRate*mailTakes {
			found = append(found, Warn(fmt.Sprintf("Deploy with SenderConcurrency=%.0f or more.", 2*q.MaxSendRate*mailTakes+1),
				"SenderConcurrency is %.0f: too few senders at once for the rate, and invitations would come late", senders))
		}
		if left := int(q.Max24HourSend - q.SentLast24Hours); q.Max24HourSend > 0 && waiting > left {
			found = append(found, Warn("Ask for a higher quota in the SES console. Whom it leaves out is invited as the 24 hours roll.",
				"%s, and the quota of the day leaves %s", format.Count(waiting, "person waits", "people wait"), format.Count(max(0, left), "mail", "mails")))
		}
	}
	return found, nil
}

// MailVolume holds the most mails that the account sent in a day of late, in its
// region, against how many wait.
func MailVolume(busiest, waiting int, region string) Finding {
	says := "the busiest of the last 14 days had " + format.Count(busiest, "mail", "mails") + " in " + region
	if waiting > max(unnoticed, 2*busiest) {
		return Warn("Begin with a small MaxInvitesPerMinute, and double it while MailsDelayed is quiet: *Mail, the first day* in docs/operating.md.",
			"%s, and %s wait: receivers keep a sender waiting who is new to them", says, format.Thousands(waiting))
	}
	return OK("%s", says)
}

// unnoticed is how many mails a day a new sender may begin with, as the plan in
// docs/operating.md has it; each next day may have twice as many as the last.
const unnoticed = 500

// rateUsed is the share of the rate that the inviter plans with (docs/design.md, decision 17).
const rateUsed = 0.95

// mailTakes is how many seconds a mail takes a sender, on the careful side.
const mailTakes = 0.2

func quota(v float64) string {
	if v < 0 {
		return "any number"
	}
	return format.Thousands(int(v))
}

// MailIdentity says whether the sender is verified, and whether its records tell
// the world so.
func MailIdentity(ctx context.Context, cfg aws.Config, resolver Resolver, identity, from string) ([]Finding, error) {
	if identity == "" {
		return []Finding{Bad("Deploy with MailIdentity.", "the stack names no mail identity")}, nil
	}
	out, err := sesv2.NewFromConfig(cfg).GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
	if _, missing := errors.AsType[*types.NotFoundException](err); missing {
		return []Finding{Bad("Create the identity in SES, in the stack's region ("+cfg.Region+"), and add its three DKIM records to the DNS.", "SES has no identity %s in %s", identity, cfg.Region)}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the mail identity: %w", err)
	}
	var found []Finding
	if !out.VerifiedForSendingStatus {
		found = append(found, Bad("Add the identity's DKIM records to the DNS; SES sees them within an hour, mostly.", "SES has not verified %s yet (%s)", identity, strings.ToLower(string(out.VerificationStatus))))
	} else {
		found = append(found, OK("%s is verified", identity))
	}
	if out.FeedbackForwardingStatus {
		found = append(found, Warn("`aws sesv2 put-email-identity-feedback-attributes --email-identity "+identity+" --no-email-forwarding-enabled`, unless somebody reads them there.",
			"SES mails each bounce to the sender's address as well"))
	}
	_, domain, _ := strings.Cut(from, "@")
	if _, of, mailbox := strings.Cut(identity, "@"); mailbox {
		found = append(found, Warn("Verify the domain: an address alone signs with no DKIM of its own domain.", "the identity is one address"))
		domain = of
	} else if domain != identity && !strings.HasSuffix(domain, "."+identity) {
		found = append(found, Bad("Deploy with a FromAddress of the identity.", "the sender's domain %s is not of the identity %s", domain, identity))
	}
	found = append(found, dkim(ctx, resolver, identity, out.DkimAttributes)...)
	if !strings.Contains(identity, "@") {
		found = append(found, mailFrom(ctx, resolver, identity, out.MailFromAttributes))
	}
	return append(found, dmarc(ctx, resolver, identity, domain)), nil
}

// mailFrom looks at the domain to which mails come back, which is the one that SPF
// is about: without one of its own the mail passes SPF as Amazon's.
// https://docs.aws.amazon.com/ses/latest/dg/mail-from.html
func mailFrom(ctx context.Context, resolver Resolver, identity string, a *types.MailFromAttributes) Finding {
	if a == nil || aws.ToString(a.MailFromDomain) == "" {
		return Warn("In SES give the identity a MAIL FROM domain such as mail."+identity+", and add its MX and TXT records to the DNS.",
			"there is no MAIL FROM domain: SPF speaks for Amazon's domain, and DMARC rests on DKIM alone")
	}
	name := *a.MailFromDomain
	if a.MailFromDomainStatus != types.MailFromDomainStatusSuccess {
		return Warn("Add the MX record that SES shows for it; until then SES uses its own domain, or sends nothing.", "SES has not found the MX record of the MAIL FROM domain %s (%s)", name, strings.ToLower(string(a.MailFromDomainStatus)))
	}
	records, err := textRecords(ctx, resolver, name, "v=spf1")
	if err != nil {
		return Warn("Run it again, or ask another name server with --dns.", "the SPF record could not be looked up: %v", err)
	}
	switch {
	case len(records) > 1:
		return Bad("Leave one of them; two are an error for every receiver (RFC 7208, 3.2).", "SPF: %s has %d records", name, len(records))
	case len(records) == 0 || !strings.Contains(records[0], "include:amazonses.com"):
		return Bad("Add a TXT record at "+name+": \"v=spf1 include:amazonses.com ~all\".", "SPF: the record of %s does not name amazonses.com", name)
	}
	return OK("SPF: %s names SES", name)
}

// dkim looks the keys up as a receiver does.
func dkim(ctx context.Context, resolver Resolver, identity string, a *types.DkimAttributes) []Finding {
	if strings.Contains(identity, "@") {
		return nil
	}
	if a == nil || !a.SigningEnabled || a.Status != types.DkimStatusSuccess {
		status := "unknown"
		if a != nil {
			status = strings.ToLower(string(a.Status))
		}
		return []Finding{Bad("Switch DKIM on for the identity in SES and add its three records to the DNS.", "mails are not signed with DKIM (%s)", status)}
	}
	if a.SigningAttributesOrigin == types.DkimSigningAttributesOriginExternal {
		return []Finding{OK("DKIM with a key of your own")}
	}
	var missing []string
	for _, token := range a.Tokens {
		name := token + "._domainkey." + identity
		texts, err := textRecords(ctx, resolver, name, "")
		if err != nil {
			return []Finding{Warn("Run it again, or ask another name server with --dns.", "the DKIM records could not be looked up: %v", err)}
		}
		// The record is a CNAME to SES, whose text has the key.
		if !slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, "p=") }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return []Finding{Bad("Add the CNAME records that SES shows for the identity.", "DKIM: the DNS has no key at %s", strings.Join(missing, ", "))}
	}
	return []Finding{OK("DKIM: all %d keys are in the DNS", len(a.Tokens))}
}

// dmarc looks for the record of the sender's domain, or of one above it: the record
// of an organisation covers the names below it (RFC 7489, 6.6.3). A strict one asks
// that DKIM signs with the very domain of the sender (3.1.1).
func dmarc(ctx context.Context, resolver Resolver, identity, domain string) Finding {
	const mend = "Add a TXT record at %s; \"v=DMARC1; p=none\" is a start. Gmail and Yahoo refuse bulk mail without one."
	for name := domain; strings.Contains(name, "."); {
		records, err := textRecords(ctx, resolver, "_dmarc."+name, "v=DMARC1")
		if err != nil {
			return Warn("Run it again, or ask another name server with --dns.", "the DMARC record could not be looked up: %v", err)
		}
		switch {
		case len(records) > 1:
			return Bad("Leave one of them; with two, none counts.", "DMARC: _dmarc.%s has %d records", name, len(records))
		case len(records) == 1 && domain != identity && strings.Contains(strings.ReplaceAll(records[0], " ", ""), "adkim=s"):
			return Bad("Verify "+domain+" in SES as an identity of its own and deploy with it as MailIdentity, or take adkim=s out of the record.",
				"DMARC: _dmarc.%s asks for strict alignment, and mails from %s are signed by %s", name, domain, identity)
		case len(records) == 1:
			return OK("DMARC: _dmarc.%s says %q", name, records[0])
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return Bad(fmt.Sprintf(mend, "_dmarc."+domain), "there is no DMARC record for %s", domain)
}

// textRecords are the TXT records of a name that begin with a text. The DNS saying
// that there are none is not an error.
func textRecords(ctx context.Context, resolver Resolver, name, begin string) ([]string, error) {
	texts, err := resolver.LookupTXT(ctx, name)
	if d, ok := errors.AsType[*net.DNSError](err); ok && d.IsNotFound {
		err = nil
	}
	var records []string
	for _, t := range texts {
		if strings.HasPrefix(t, begin) {
			records = append(records, t)
		}
	}
	return records, err
}

// MailSet says whether the mails of a configuration set go out unchanged, and
// whether word of them comes back.
func MailSet(ctx context.Context, cfg aws.Config, name string) ([]Finding, error) {
	client := sesv2.NewFromConfig(cfg)
	set, err := client.GetConfigurationSet(ctx, &sesv2.GetConfigurationSetInput{ConfigurationSetName: &name})
	if err != nil {
		return nil, fmt.Errorf("reading the configuration set %s: %w", name, err)
	}
	destinations, err := client.GetConfigurationSetEventDestinations(ctx, &sesv2.GetConfigurationSetEventDestinationsInput{ConfigurationSetName: &name})
	if err != nil {
		return nil, fmt.Errorf("reading where the events of %s go: %w", name, err)
	}
	const again = "Deploy the stack again: its template sets it right."
	var found []Finding
	if o := set.SendingOptions; o != nil && !o.SendingEnabled {
		found = append(found, Bad("Answer SES's mail about it; then `aws sesv2 put-configuration-set-sending-options --configuration-set-name "+name+" --sending-enabled`.", "sending is suspended for the configuration set"))
	}
	off, err := untracked(ctx, client, set.VdmOptions)
	if err != nil {
		return nil, err
	}
	var wanted = []types.EventType{types.EventTypeSend, types.EventTypeDelivery, types.EventTypeBounce, types.EventTypeComplaint}
	heard := map[types.EventType]bool{}
	for _, d := range destinations.EventDestinations {
		for _, t := range d.MatchingEventTypes {
			if d.Enabled && (t == types.EventTypeOpen || t == types.EventTypeClick) {
				off = false
			}
			if d.Enabled && d.EventBridgeDestination != nil {
				heard[t] = true
			}
		}
	}
	if !off {
		found = append(found, Bad("Deploy with MailManager=yes, which switches it off for these mails.", "engagement tracking may be on: it rewrites the links in the mails to a foreign domain"))
	} else {
		found = append(found, OK("engagement tracking is off"))
	}
	var unheard []string
	for _, t := range wanted {
		if !heard[t] {
			unheard = append(unheard, strings.ToLower(string(t)))
		}
	}
	if len(unheard) > 0 {
		return append(found, Bad(again, "no word comes back of these events: %s", strings.Join(unheard, ", "))), nil
	}
	return append(found, OK("SES's events come back by EventBridge")), nil
}

// untracked says that no deliverability manager tracks the mails of a configuration
// set with these options: the set's own word, or that the account has none.
func untracked(ctx context.Context, client *sesv2.Client, set *types.VdmOptions) (bool, error) {
	if set != nil && set.DashboardOptions != nil && set.DashboardOptions.EngagementMetrics != "" {
		return set.DashboardOptions.EngagementMetrics == types.FeatureStatusDisabled, nil
	}
	account, err := client.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return false, fmt.Errorf("reading whether the account has a deliverability manager: %w", err)
	}
	v := account.VdmAttributes
	return v == nil || v.VdmEnabled != types.FeatureStatusEnabled || v.DashboardAttributes != nil && v.DashboardAttributes.EngagementMetrics == types.FeatureStatusDisabled, nil
}
