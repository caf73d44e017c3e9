//go:build deploy

package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"raincheck/test/emulators/names"
	"raincheck/test/template"
)

// before is the commit whose stack is updated: the last one before the round in
// which this test was written. From the first release on it is the last release's.
const before = "ef8f9fb"

// unproved is what this run cannot show: the list of docs/deploying.md, which has
// the command for each and the answer that a real account should give.
func unproved(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(template.Root(), "docs", "deploying.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What the first real deployment must check\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var all []string
	for _, item := range strings.Split(section, "\n- ")[1:] {
		title := strings.SplitN(item, "**", 3)
		if len(title) != 3 || !strings.Contains(item, "Expected: ") || !strings.Contains(title[2], "raincheck ") && !strings.Contains(title[2], "aws ") && !strings.Contains(title[2], "curl ") {
			t.Errorf("docs/deploying.md: what only a real account shows needs a name, a command and the answer that is expected:\n%s", item)
			continue
		}
		all = append(all, strings.TrimSuffix(title[1], "."))
	}
	if len(all) < 8 {
		t.Errorf("docs/deploying.md lists %d things to check on a real account: does this test still find them?", len(all))
	}
	return all
}

// TestTheHour is the README's hour on a stack that was updated with people in
// every stage, beside a second stack.
func TestTheHour(t *testing.T) {
	c := newCloud(t)
	var old, s, second *stack
	var distribution, oldCode string
	var stages map[string]*person
	oldTree := filepath.Join(c.scratch, "before")

	step(t, "an account", func() { distribution = c.prepare() })
	step(t, "somebody for each policy", func() { c.hire(); c.bucket() })
	step(t, "build the version before", func() {
		c.must(c.checkout(oldTree))
		old = &stack{cloud: c, tool: c.build(oldTree)}
	})
	step(t, "deploy the version before", func() {
		old = c.deploy(oldTree, "raincheck", old.tool, parameters()...)
		old.byRoot = true // its tool is older than the policies
		old.olderEndpoints()
		old.bridge()
		old.deployEdge(oldTree)
		old.serve(distribution)
	})
	step(t, "people in every stage", func() { stages, oldCode = old.everyStage(), old.live() })
	step(t, "build this version's release", func() {
		s = &stack{cloud: c}
		c.folder, s.tool = c.release()
	})
	step(t, "update", func() {
		s = c.deploy(c.folder, "raincheck", s.tool, parameters()...)
		s.edge, s.minute, s.sessions = old.edge, old.minute, false
		s.edge.s = s
		s.bridge()
		s.deployEdge(c.folder)
	})
	step(t, "nobody is turned out, nothing is lost", func() { s.afterUpdate(stages, oldCode) })
	step(t, "attach, doctor", func() { s.attachAndDoctor(distribution) })
	step(t, "smoke", func() { s.smoke() })
	step(t, "throttle, join, invite, mail, code, pass, site", func() { s.hour() })
	step(t, "bounce, complaint, leave", func() { s.words() })
	step(t, "pause, resume, rotate, hold", func() { s.switches() })
	step(t, "rotate the origin header", func() { s.rotateOrigin() })
	step(t, "let everybody in by the aws command", func() { s.byHand() })
	step(t, "export, forget", func() { s.exportAndForget() })
	step(t, "a second stack beside it", func() { second = s.beside() })
	step(t, "the fragment, in a stack of the site's own, in two regions", func() { s.fragment() })
	step(t, "nobody does more than their policy allows", func() { s.refusals(second) })
	step(t, "dead letters, release, restore", func() { s.repairs() })
	step(t, "open, detach, delete", func() { s.end(distribution, second) })
	if !t.Failed() {
		t.Logf("what this run could not prove:\n  - %s", strings.Join(unproved(t), "\n  - "))
	}
}

// step runs a part of the walk and says how long it took. What fails ends the walk:
// the rest stands on it.
func step(t *testing.T, name string, do func()) {
	t.Helper()
	begun := time.Now()
	defer func() {
		sign := "·"
		if t.Failed() {
			sign = "x"
		}
		fmt.Printf("  %s %6.1f s  %s\n", sign, time.Since(begun).Seconds(), name)
	}()
	do()
	if t.Failed() {
		t.FailNow()
	}
}

func parameters() []string {
	return []string{"SiteHost=" + host, "FromAddress=" + from, "MailIdentity=" + domain, "Smoke=on",
		"LoadSource=metric", "LoadNamespace=Site", "LoadMetric=People", "LoadStatistic=Maximum", "LoadFull=1000", "Sample=1", "Capacity=1000", "AlarmEmail=ops@example.org"}
}

// prepare makes what a site has before raincheck: a verified domain, an account out
// of the sandbox, a distribution.
func (c *cloud) prepare() (distribution string) {
	c.Helper()
	ses := sesv2.NewFromConfig(c.cfg)
	_, err := ses.CreateEmailIdentity(c.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String(domain)})
	c.must(err)
	_, err = ses.PutAccountDetails(c.Context(), &sesv2.PutAccountDetailsInput{MailType: sestypes.MailTypeTransactional, WebsiteURL: aws.String("https://" + host), ProductionAccessEnabled: aws.Bool(true)})
	c.must(err)
	made, err := cloudfront.NewFromConfig(c.cfg).CreateDistribution(c.Context(), &cloudfront.CreateDistributionInput{DistributionConfig: &types.DistributionConfig{
		CallerReference: aws.String("the site"), Comment: aws.String("the site"), Enabled: aws.Bool(true),
		// The shop is on the same distribution, and its people are affected too.
		Aliases: &types.Aliases{Quantity: aws.Int32(2), Items: []string{host, shop}},
		Origins: &types.Origins{Quantity: aws.Int32(1), Items: []types.Origin{{Id: aws.String("site"), DomainName: aws.String("origin.example.net"),
			CustomOriginConfig: &types.CustomOriginConfig{HTTPPort: aws.Int32(80), HTTPSPort: aws.Int32(443), OriginProtocolPolicy: types.OriginProtocolPolicyHttpsOnly}}}},
		DefaultCacheBehavior: &types.DefaultCacheBehavior{TargetOriginId: aws.String("site"), ViewerProtocolPolicy: types.ViewerProtocolPolicyRedirectToHttps,
			CachePolicyId: aws.String("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"), OriginRequestPolicyId: aws.String("216adef6-5c7f-47e4-b989-5492eafa07d3")},
	}})
	c.must(err)
	return *made.Distribution.Id
}

// load puts the site's own metric for the minutes before a minute.
func (c *cloud) load(people float64, until time.Time) {
	c.Helper()
	for i := range 3 {
		_, err := cloudwatch.NewFromConfig(c.cfg).PutMetricData(c.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("Site"),
			MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("People"), Value: aws.Float64(people), Timestamp: aws.Time(until.Add(time.Duration(-i-1) * time.Minute))}}})
		c.must(err)
	}
}

// checkout puts the version before into a folder. Without the commit there is no
// update to try, and that is a failure.
func (c *cloud) checkout(into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	archive := exec.Command("sh", "-c", "git archive "+before+" | tar -x -C "+into)
	archive.Dir = c.root
	if said, err := archive.CombinedOutput(); err != nil {
		return fmt.Errorf("git archive %s: %w: %s", before, err, said)
	}
	if _, err := os.Stat(filepath.Join(into, "template.yaml")); err != nil {
		return errors.New("the history does not have " + before + ": the update needs a full clone (git fetch --unshallow)")
	}
	return nil
}

// invited ticks until a mail has reached each of the people, and word of it has
// come back.
func (s *stack) invited(people ...*person) {
	s.Helper()
	s.raincheck("invite", fmt.Sprint(len(people)), "--apply")
	s.tick()
	for _, p := range people {
		s.mailed(p)
	}
}

// mailed waits for the mail to somebody, and says of it what SES does.
func (s *stack) mailed(p *person) {
	s.Helper()
	had := p.mail
	s.until(20*time.Second, "the mail to "+p.name, func() bool {
		all := s.mailsTo(p.address)
		if len(all) == 0 || all[len(all)-1] == had {
			return false
		}
		p.mail = all[len(all)-1]
		return true
	})
	s.hear(p.mail, "send")
	s.hear(p.mail, "delivery")
	s.pump()
}

// everyStage leaves somebody in each stage of an entry.
func (s *stack) everyStage() map[string]*person {
	s.Helper()
	s.raincheck("attach", "--distribution-id", s.edge.distribution, "--host", host, "--paths", "/apply*", "--apply", "--no-wait")
	s.tick()
	s.raincheck("hold", "--apply")
	all := map[string]*person{}
	var four []*person
	for _, name := range []string{"used", "invited", "bounced", "left", "waiting"} {
		p := s.person(name)
		all[name] = p
		if name != "waiting" {
			p.joins()
			four = append(four, p)
		}
	}
	s.raincheck("throttle", "--admit", "0", "--apply")
	s.invited(four...)
	all["used"].redeems()
	s.hear(all["bounced"].mail, "bounce")
	all["left"].leaves()
	s.tick()
	all["waiting"].joins()
	return all
}

// leaves presses the button of the page that the mail leads to.
func (p *person) leaves() {
	p.Helper()
	away := strings.Trim(p.mail.headers["List-Unsubscribe"], "<>")
	if status, _, body := p.ask("POST", away, url.Values{}); status != http.StatusOK {
		p.Fatalf("leaving answers %s with %d: %.300s", p.name, status, body)
	}
}

// afterUpdate looks after everybody: the new edge with the old gate, the old edge
// with the new gate, old passes, codes and entries.
func (s *stack) afterUpdate(stages map[string]*person, oldCode string) {
	s.Helper()
	on := map[string]*person{}
	for name, p := range stages {
		on[name] = p.on(s)
	}
	if !on["used"].visits("/apply/form") {
		s.Error("a pass from before the update is not good at the new edge, with the old gate")
	}
	if s.person("somebody new").visits("/apply/form") {
		s.Error("the new edge lets somebody in by the old gate, which is closed")
	}
	on["invited"].redeems()
	r := s.tick()
	if r.Waiting != 1 || r.Admit != 0 {
		s.Errorf("the first tick after the update has %d waiting and lets in %g, want 1 and 0", r.Waiting, r.Admit)
	}
	// For some minutes an edge location may still have the old code.
	if oldCode == s.live() {
		s.Logf("this version ships the throttle.js of %s: the old edge with the new gate is the new one", before)
	}
	s.edge.codeOnly = oldCode
	if !on["used"].visits("/apply/form") || s.person("somebody else").visits("/apply/form") {
		s.Error("the old edge does not do as the new gate says")
	}
	s.edge.codeOnly = ""
	s.invited(on["waiting"])
	on["waiting"].redeems()
	for _, name := range []string{"bounced", "left"} {
		before := len(s.mailsTo(on[name].address))
		if name == "bounced" {
			on[name].joins() // it looks the same to everybody
		}
		s.tick()
		if after := len(s.mailsTo(on[name].address)); after != before {
			s.Errorf("%s is mailed again", name)
		}
	}
}

// live is the code of throttle.js as it is deployed.
func (s *stack) live() string {
	s.Helper()
	out, err := cloudfront.NewFromConfig(s.cfg).GetFunction(s.Context(), &cloudfront.GetFunctionInput{Name: aws.String(s.name + "-throttle"), Stage: types.FunctionStageLive})
	s.must(err)
	return string(out.FunctionCode)
}

// attachAndDoctor brings the distribution up to date and asks the doctor.
func (s *stack) attachAndDoctor(distribution string) {
	s.Helper()
	if said := s.fails(1, "attach", "--distribution-id", distribution, "--host", host, "--paths", "/apply*", "--apply"); !strings.Contains(said, "answers to "+shop+" too") {
		s.Errorf("attach takes %s along unasked:\n%s", shop, said)
	}
	plan := s.raincheck("attach", "--distribution-id", distribution, "--host", host, "--paths", "/apply*", "--also-affects", shop)
	if !strings.Contains(plan, "~ the behaviours /waiting-room") {
		s.Errorf("attach does not bring the waiting room's behaviours up to date:\n%s", plan)
	}
	if said := s.raincheck("attach", "--distribution-id", distribution, "--host", host, "--paths", "/apply*", "--also-affects", shop, "--apply", "--no-wait"); !strings.Contains(said, "Tried before the change: the holder of a pass is let in") {
		s.Errorf("the throttle was not tried before the change:\n%s", said)
	}
	s.sessions = true
	d := s.doctor(s.who("doctor"))
	if s.emergency = d.Emergency; s.emergency == "" {
		s.Error("doctor prints no emergency line")
	}
	for _, f := range d.Findings {
		s.Logf("doctor: %s %s: %s", f.Grade, f.Check, f.Says)
		if strings.Contains(f.Says, notAllowed) {
			s.Errorf("who operates may not look: %s: %s", f.Check, f.Says)
		}
	}
}

// diagnosis is what doctor says.
type diagnosis struct {
	Findings  []struct{ Check, Grade, Says string }
	Emergency string
}

// doctor asks the doctor as somebody. A problem that it finds is an error.
func (s *stack) doctor(who user, args ...string) (d diagnosis) {
	s.Helper()
	cmd := exec.Command(s.tool, append([]string{"doctor", "--dns", s.dns(), "--json"}, args...)...)
	cmd.Env = s.environ(append(who.environ(), "RAINCHECK_STACK="+s.name)...)
	said, err := cmd.Output()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		s.Fatal(err)
	}
	s.must(json.Unmarshal(said, &d))
	for _, f := range d.Findings {
		// The emulator never looks for the DKIM records in the DNS.
		if f.Grade == "problem" && !strings.Contains(f.Says, "not signed with DKIM (pending)") {
			s.Errorf("doctor finds a problem: %s: %s", f.Check, f.Says)
		}
	}
	return d
}

// byHand types the line that doctor prints, with the AWS CLI and nothing of ours.
func (s *stack) byHand() {
	s.Helper()
	s.raincheck("hold", "--apply")
	if s.person("kim").visits("/apply/form") {
		s.Error("hold lets somebody new in")
	}
	// The newer switch wins, and those of this walk, thrown faster than by any hand, are
	// each made a second later than the one before: the clock has to pass them.
	from := time.Now()
	s.until(10*time.Second, "the clock is past the last switch", func() bool { return time.Since(from) > 4*time.Second })
	folder := filepath.Join(s.root, "test/deploy/.venv/bin")
	s.run(s.scratch, 0, append(s.environ(s.who("open").environ()...), "PATH="+folder+":"+os.Getenv("PATH")), "sh", "-c", s.emergency)
	if !s.person("lee").visits("/apply/form") {
		s.Error("the emergency line does not let everybody in")
	}
	if r := s.tick(); r.Mode != "open" {
		s.Errorf("the inviter does not take the switch over: %s", r.Mode)
	}
	s.raincheck("hold", "--apply") // as it was
}

// rotateOrigin changes the header's secret: people on their way notice nothing,
// before the distribution has the new one and after it.
func (s *stack) rotateOrigin() {
	s.Helper()
	before := s.person("mia")
	s.raincheck("throttle", "--admit", "0", "--apply")
	before.joins()
	said := s.raincheck("rotate", "--origin", "--apply", "--no-wait")
	if !strings.Contains(said, "its secret is another one now") {
		s.Errorf("rotate --origin does not give the distribution the new secret:\n%s", said)
	}
	s.person("nia").joins()
	if said := s.raincheck("rotate", "--origin"); !strings.Contains(said, "a new secret for the header") {
		s.Errorf("the rotation is not finished:\n%s", said)
	}
}

// dns is a name server with the records of the mail domain.
func (s *stack) dns() string {
	s.Helper()
	server, err := names.Start()
	s.must(err)
	s.Cleanup(server.Close)
	identity, err := sesv2.NewFromConfig(s.cfg).GetEmailIdentity(s.Context(), &sesv2.GetEmailIdentityInput{EmailIdentity: aws.String(domain)})
	s.must(err)
	for _, token := range identity.DkimAttributes.Tokens {
		server.Put(token+"._domainkey."+domain, "p=MIGfMA0")
	}
	server.Put("_dmarc."+domain, "v=DMARC1; p=none")
	return server.Addr()
}

// smoke sends the canary through the deployed stack, while word of its mail comes
// back.
func (s *stack) smoke() {
	s.Helper()
	done := make(chan struct{})
	said := make(chan string, 1)
	go func() {
		defer close(done)
		cmd := exec.Command(s.tool, "smoke", "--path", "/apply/form", "--site", s.edge.server.URL, "--patience", "60s")
		cmd.Env = s.environ(append(s.who("smoke").environ(), "RAINCHECK_STACK="+s.name)...)
		out, err := cmd.CombinedOutput()
		said <- fmt.Sprintf("%v\n%s", err, out)
	}()
	told := map[*mail]bool{}
	for {
		select {
		case <-done:
			if out := <-said; !strings.HasPrefix(out, "<nil>") {
				s.Fatalf("smoke: %s", out)
			}
			return
		case <-time.After(200 * time.Millisecond):
		}
		s.mu.Lock()
		mails := append([]*mail(nil), s.mails...)
		s.mu.Unlock()
		for _, m := range mails {
			if strings.HasSuffix(m.to, "@simulator.amazonses.com") && !told[m] {
				told[m] = true
				s.hear(m, "delivery")
			}
		}
		s.pump()
	}
}

// hour is what the README promises.
func (s *stack) hour() {
	s.Helper()
	s.raincheck("throttle", "--admit", "0", "--apply")
	ana, ben := s.person("ana"), s.person("ben")
	ana.joins()
	ben.joins()
	if r := s.tick(); r.Waiting != 2 {
		s.Errorf("%d wait, want 2", r.Waiting)
	}
	if out := s.raincheck("status"); !strings.Contains(out, "2") {
		s.Errorf("status does not say that two wait:\n%s", out)
	}
	s.invited(ana, ben)
	ana.redeems()
	for _, h := range s.edge.roomSaw {
		if strings.Contains(h.Get("Cookie"), "session=") {
			s.Error("the waiting room gets the site's own cookies")
			break
		}
	}
	if !ana.visits("/apply/next") || ben.visits("/apply/form") {
		s.Error("the one with a pass is in and the one without is not: it is otherwise")
	}
	ben.redeems()
	// The law's own word, with a load.
	s.people = 300
	s.raincheck("throttle", "--apply")
	for range 3 {
		s.tick()
	}
	if r := s.tick(); r.Mode != "throttle" {
		s.Errorf("the mode is %s", r.Mode)
	}
}

// words are what comes back of a mail.
func (s *stack) words() {
	s.Helper()
	s.raincheck("throttle", "--admit", "0", "--apply")
	s.tick()
	cora, dan, eve := s.person("cora"), s.person("dan"), s.person("eve")
	for _, p := range []*person{cora, dan, eve} {
		p.joins()
	}
	s.invited(cora, dan, eve)
	s.hear(cora.mail, "bounce")
	s.hear(dan.mail, "complaint")
	eve.leaves()
	out := s.raincheck("export")
	for _, line := range strings.Split(out, "\n") {
		for _, p := range []*person{cora, dan, eve} {
			if strings.Contains(line, p.address) {
				p.Logf("%s: %s", p.name, strings.ReplaceAll(line, p.address, "…"))
			}
		}
	}
	if !strings.Contains(out, "bounced") || !strings.Contains(out, "left") {
		s.Errorf("the export has nobody who bounced or left:\n%s", out)
	}
}

// switches are those of the mail and the keys, and hold.
func (s *stack) switches() {
	s.Helper()
	fred := s.person("fred")
	fred.joins()
	s.raincheck("pause", "--apply")
	s.raincheck("invite", "1", "--apply")
	s.tick()
	if len(s.mailsTo(fred.address)) > 0 {
		s.Error("somebody is mailed while the mail is paused")
	}
	s.raincheck("resume", "--apply")
	s.raincheck("rotate", "--apply")
	s.tick()
	if len(s.mailsTo(fred.address)) == 0 {
		s.raincheck("invite", "1", "--apply")
		s.tick()
	}
	s.mailed(fred)
	fred.redeems()
	s.raincheck("hold", "--apply")
	if s.person("gus").visits("/apply/form") || !fred.visits("/apply/form") {
		s.Error("hold lets somebody new in, or turns somebody out")
	}
	if r := s.tick(); r.Mode != "hold" {
		s.Errorf("the tick after hold has the mode %s", r.Mode)
	}
}

// exportAndForget is what the law of data protection asks of an operator.
func (s *stack) exportAndForget() {
	s.Helper()
	hal := s.person("hal")
	hal.joins()
	if out := s.raincheck("export"); !strings.Contains(out, hal.address) {
		s.Error("somebody who waits is not in the export")
	}
	s.raincheck("forget", hal.address, "--apply")
	if out := s.raincheck("export"); strings.Contains(out, hal.address) {
		s.Error("somebody who was forgotten is in the export")
	}
}

// beside makes a second stack in the same account and region: its tick touches its
// own table, gate and mails alone.
func (s *stack) beside() *stack {
	s.Helper()
	tableOf := func(s *stack) string {
		out, err := dynamodb.NewFromConfig(s.cfg).Scan(s.Context(), &dynamodb.ScanInput{TableName: aws.String(s.outputs["TableName"])})
		s.must(err)
		text, err := json.Marshal(out.Items)
		s.must(err)
		return string(text)
	}
	topic := s.outputs["AlarmTopicArn"]
	if topic == "" {
		s.Error("the stack has no output AlarmTopicArn")
	}
	// The second tells the first one's topic.
	without := slices.DeleteFunc(parameters(), func(p string) bool { return strings.HasPrefix(p, "AlarmEmail=") })
	second := s.deploy(s.folder, "shop", s.tool, append(without, "AlarmTopicArn="+topic)...)
	s.tells(second, topic)
	second.bridge()
	for output, value := range s.outputs {
		if second.outputs[output] == value && output != "MailIdentity" && output != "Version" && output != "AlarmTopicArn" {
			s.Errorf("both stacks have the output %s = %s", output, value)
		}
	}
	before, mails := tableOf(s), len(s.mails)
	second.tick()
	second.raincheck("hold", "--apply")
	second.tick()
	if tableOf(s) != before {
		s.Error("a tick of the second stack has changed the first one's table")
	}
	if len(s.mails) != mails {
		s.Error("a tick of the second stack has sent a mail")
	}
	if out := s.raincheck("status"); !strings.Contains(out, "hold") {
		s.Errorf("the first stack is not held any more:\n%s", out)
	}
	return second
}

// tells holds the alarms of a stack to the topic that they tell.
func (s *stack) tells(second *stack, topic string) {
	s.Helper()
	out, err := cloudwatch.NewFromConfig(s.cfg).DescribeAlarms(s.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(second.name + "-")})
	s.must(err)
	if len(out.MetricAlarms) == 0 {
		s.Error("the second stack has no alarms")
	}
	for _, alarm := range out.MetricAlarms {
		if len(alarm.AlarmActions) != 1 || alarm.AlarmActions[0] != topic {
			s.Errorf("%s tells %v, want %s", *alarm.AlarmName, alarm.AlarmActions, topic)
		}
	}
}

// end takes everything out again.
func (s *stack) end(distribution string, second *stack) {
	s.Helper()
	s.raincheck("open")
	if !s.person("ida").visits("/apply/form") {
		s.Error("open turns somebody away")
	}
	s.raincheck("detach", "--distribution-id", distribution, "--apply", "--no-wait")
	if status, header, _ := s.person("jan").ask("GET", "/apply/form", nil); status != http.StatusOK || header.Get("Set-Cookie") != "" {
		s.Errorf("after detach the site answers %d with the cookie %q", status, header.Get("Set-Cookie"))
	}
	s.remove(second.name, region)
	s.remove("raincheck-edge", "us-east-1")
	s.remove(s.name, region)
	s.fails(1, "status")
}
