package table

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/waitlist"
)

// update is one conditional write under construction. Expressions are written
// as DynamoDB has them, with #name for an attribute (many of ours are reserved
// words) and ? for a value, in order; a :name stays, for with to give its value.
type update struct {
	id                  string
	condition           []string
	sets, removes, adds []string
	names               map[string]string
	values              item
	showRefused         bool
	// written are the expressions of an update that is fixed.
	written *expressions
	// doubtful says that a try of the write got no answer, and another was made.
	doubtful bool
}

func change(id string) *update {
	return &update{id: id, names: map[string]string{}, values: item{}}
}

// when adds a condition; all of them must hold.
func (u *update) when(expression string, values ...types.AttributeValue) *update {
	u.condition = append(u.condition, u.expression(expression, values))
	return u
}

// set adds assignments.
func (u *update) set(expression string, values ...types.AttributeValue) *update {
	u.sets = append(u.sets, u.expression(expression, values))
	return u
}

// add adds to a number or a set.
func (u *update) add(name string, value types.AttributeValue) *update {
	u.adds = append(u.adds, u.expression("#"+name+" ?", []types.AttributeValue{value}))
	return u
}

// remove takes attributes away.
func (u *update) remove(names ...string) *update {
	for _, name := range names {
		u.removes = append(u.removes, u.expression("#"+name, nil))
	}
	return u
}

// event asks for a stage that the event moves, narrowed to only where some are
// given, and moves the entry to where it leads.
func (u *update) event(event waitlist.Event, only ...waitlist.Stage) *update {
	var to waitlist.Stage
	var from []types.AttributeValue
	for _, stage := range event.From() {
		if len(only) > 0 && !contains(only, stage) {
			continue
		}
		from = append(from, str(string(stage)))
		to, _ = stage.After(event)
	}
	u.when("#stage IN ("+strings.Repeat(", ?", len(from))[2:]+")", from...)
	return u.set("#stage = ?", str(string(to)))
}

func contains(stages []waitlist.Stage, s waitlist.Stage) bool {
	for _, other := range stages {
		if other == s {
			return true
		}
	}
	return false
}

// fixed writes out the expressions, so that an update that with copies is built once.
func (u *update) fixed() *update {
	u.written = u.text()
	return u
}

// with is a copy for an item, with the values that the expressions name as :name.
// The copy is to be sent as it is: it shares its expressions and names.
func (u *update) with(id string, values item) *update {
	all := make(item, len(u.values)+len(values))
	maps.Copy(all, u.values)
	maps.Copy(all, values)
	return &update{id: id, written: u.written, names: u.names, values: all, showRefused: u.showRefused}
}

// expressions are what DynamoDB calls the condition and the update; nil for none.
type expressions struct{ condition, update *string }

func (u *update) text() *expressions {
	var e expressions
	if len(u.condition) > 0 {
		condition := "(" + strings.Join(u.condition, ") AND (") + ")"
		e.condition = &condition
	}
	var parts []string
	for _, part := range []struct {
		word    string
		clauses []string
	}{{"SET ", u.sets}, {"REMOVE ", u.removes}, {"ADD ", u.adds}} {
		if len(part.clauses) > 0 {
			parts = append(parts, part.word+strings.Join(part.clauses, ", "))
		}
	}
	whole := strings.Join(parts, " ")
	e.update = &whole
	return &e
}

// expression puts names and values of the update in the place of #name and ?.
func (u *update) expression(text string, values []types.AttributeValue) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		switch text[i] {
		case '#':
			end := i + 1
			for end < len(text) && alphanumeric(text[end]) {
				end++
			}
			u.names[text[i:end]] = text[i+1 : end]
			out.WriteString(text[i:end])
			i = end
		case '?':
			name := ":" + strconv.Itoa(len(u.values))
			u.values[name], values = values[0], values[1:]
			out.WriteString(name)
			i++
		default:
			out.WriteByte(text[i])
			i++
		}
	}
	return out.String()
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// showing asks for the item as it is when the condition refuses: no request more.
func (u *update) showing() *update {
	u.showRefused = true
	return u
}

// send makes the write and gives the item as before (types.ReturnValueAllOld) or
// after (types.ReturnValueAllNew) it. UPDATED_NEW would be less on the way, but
// stand-ins disagree about what it is, and what is returned costs nothing.
func (t *Table) send(ctx context.Context, u *update, want types.ReturnValue) (item, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: attribute(u.id), ReturnValues: want,
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
	}
	if len(u.values) == 0 {
		in.ExpressionAttributeValues = nil
	}
	e := u.written
	if e == nil {
		e = u.text()
	}
	in.ConditionExpression, in.UpdateExpression = e.condition, e.update
	if u.showRefused {
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	out, err := t.updateItem(ctx, in, u.watch)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// step sends a write about an entry: refused is waitlist.ErrStale.
func (t *Table) step(ctx context.Context, doing string, u *update, want types.ReturnValue) (item, error) {
	got, err := t.send(ctx, u, want)
	if refused(err) {
		return nil, waitlist.ErrStale
	}
	return got, failed(doing, err)
}
