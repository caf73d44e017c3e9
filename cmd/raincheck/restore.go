package main

import (
	"fmt"

	"raincheck/pkg/aws/restore"
	"raincheck/pkg/format"
)

// restoreCmd puts back what the table has lost.
type restoreCmd struct {
	deployed
	apply
	From string `arg:"" placeholder:"COPY" help:"The table that DynamoDB has restored beside the stack's own."`
}

// Help is shown by --help.
func (c *restoreCmd) Help() string {
	return "Puts into the stack's table each item that COPY has and the table has not; what is there is newer, and is left alone. " +
		"Pause the sending before. Interrupted, run it again: it goes on with what is still missing. " +
		"Without --apply it counts what is missing."
}

// Run restores.
func (c *restoreCmd) Run(e *env) error {
	s, err := c.session(e)
	if err != nil {
		return err
	}
	out, err := s.Need(outTable)
	if err != nil {
		return err
	}
	r := restore.New(s.cfg, c.From, out[0])
	r.Dry = !c.Apply
	line := newCountLine(e, "items of the copy looked at")
	r.Progress = func(so restore.Result) { line.show(so.Read) }
	result, err := r.Run(e.ctx)
	line.Clear()
	said := fmt.Sprintf("of %s items of %s, %s are in %s", format.Thousands(result.Read), c.From, format.Thousands(result.There), out[0])
	switch missing := format.Thousands(result.Missing); {
	case err != nil:
		return fmt.Errorf("%s and %s were missing; then: %w\n  Run it again to go on", said, missing, awsWords(err))
	case !c.Apply:
		fmt.Fprintf(e.stdout, "It would put back %s: %s. Nothing was changed. Add --apply to do it.\n", missing, said)
	default:
		fmt.Fprintf(e.stdout, "Put back %s: %s already.\n", missing, said)
	}
	return nil
}
