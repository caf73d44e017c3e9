// Package edgestore is the KeyValueStore of CloudFront, where the edge reads
// the gate and the base.
//
// The store has one ETag for all its keys, and every write must name it. That is
// what keeps a switch thrown by a person from being overwritten by a tick that
// read the store a moment before: the ETag is read first and the document after,
// so that whatever changes in between makes the write fail and not go under.
//
// Reads and writes here go to the service's own endpoint, not to an edge: what
// was written is read back at once, and about half a minute later everywhere.
// Requests are signed with SigV4A, as the service has no region.
package edgestore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"

	"raincheck/pkg/gate"
)

// Store is one KeyValueStore. It is safe for concurrent use.
type Store struct {
	arn string
	// Methods of the client, and not the client: see pkg/aws/mailer.
	describe func(context.Context, *cloudfrontkeyvaluestore.DescribeKeyValueStoreInput, ...func(*cloudfrontkeyvaluestore.Options)) (*cloudfrontkeyvaluestore.DescribeKeyValueStoreOutput, error)
	get      func(context.Context, *cloudfrontkeyvaluestore.GetKeyInput, ...func(*cloudfrontkeyvaluestore.Options)) (*cloudfrontkeyvaluestore.GetKeyOutput, error)
	write    func(context.Context, *cloudfrontkeyvaluestore.UpdateKeysInput, ...func(*cloudfrontkeyvaluestore.Options)) (*cloudfrontkeyvaluestore.UpdateKeysOutput, error)
}

// New gives the store of that ARN. Nothing is sent before the first use.
func New(cfg aws.Config, arn string) *Store {
	client := cloudfrontkeyvaluestore.NewFromConfig(cfg)
	return &Store{arn: arn, describe: client.DescribeKeyValueStore, get: client.GetKey, write: client.UpdateKeys}
}

// Reading gives the store of that ARN for who writes nothing: each request is paid,
// and without asking for the ETag of the store a read is one and not two. Its ETag
// says only that the service has answered, and Update refuses it. A store that is
// not there looks like one without documents.
func Reading(cfg aws.Config, arn string) *Store {
	s := New(cfg, arn)
	s.describe = nil
	return s
}

// answered is the ETag of a store that was not asked for its own.
const answered = "answered"

// Gate reads the gate and the ETag of the store: two requests. The ETag comes
// with an error of the document too: gate.ErrMissing, or what makes it
// unreadable.
func (s *Store) Gate(ctx context.Context) (gate.Gate, string, error) {
	text, etag, err := s.read(ctx, gate.Key)
	if err != nil {
		return gate.Gate{}, etag, err
	}
	g, err := gate.DecodeGate([]byte(text))
	return g, etag, err
}

// Base reads the base and the ETag of the store, like Gate.
func (s *Store) Base(ctx context.Context) (gate.Base, string, error) {
	text, etag, err := s.read(ctx, gate.BaseKey)
	if err != nil {
		return gate.Base{}, etag, err
	}
	b, err := gate.DecodeBase([]byte(text))
	return b, etag, err
}

// Update writes the documents that are not nil, in one request that does all or
// nothing, if the store is still as the ETag says, and returns the next ETag;
// else gate.ErrChanged.
func (s *Store) Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error) {
	if etag == answered {
		return "", errors.New("edgestore: writing with the ETag of a store that is only read")
	}
	docs, err := gate.Documents(g, b)
	if err != nil {
		return "", err
	}
	in := &cloudfrontkeyvaluestore.UpdateKeysInput{KvsARN: &s.arn, IfMatch: &etag}
	var names []string
	for _, d := range docs {
		in.Puts = append(in.Puts, types.PutKeyRequestListItem{Key: aws.String(d.Key), Value: aws.String(d.Value)})
		names = append(names, d.Key)
	}
	out, err := s.write(ctx, in)
	switch what := strings.Join(names, " and the "); {
	case changed(err):
		return "", fmt.Errorf("edgestore: writing the %s: %w", what, gate.ErrChanged)
	case err != nil:
		return "", fmt.Errorf("edgestore: writing the %s: %w", what, err)
	}
	return aws.ToString(out.ETag), nil
}

func (s *Store) read(ctx context.Context, key string) (text, etag string, err error) {
	if s.describe != nil {
		store, err := s.describe(ctx, &cloudfrontkeyvaluestore.DescribeKeyValueStoreInput{KvsARN: &s.arn})
		if err != nil {
			return "", "", fmt.Errorf("edgestore: reading the store: %w", err)
		}
		etag = aws.ToString(store.ETag)
	}
	got, err := s.get(ctx, &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: &s.arn, Key: &key})
	_, missing := errors.AsType[*types.ResourceNotFoundException](err)
	if s.describe == nil && (err == nil || missing) {
		etag = answered
	}
	if missing {
		return "", etag, fmt.Errorf("edgestore: reading the %s: %w", key, gate.ErrMissing)
	}
	if err != nil {
		return "", etag, fmt.Errorf("edgestore: reading the %s: %w", key, err)
	}
	return aws.ToString(got.Value), etag, nil
}

// changed says that the ETag is no longer the store's. The service documents
// ConflictException for a state that is not the expected one; whatever else
// speaks of a precondition is taken for the same: to read again is harmless.
func changed(err error) bool {
	if _, ok := errors.AsType[*types.ConflictException](err); ok {
		return true
	}
	if invalid, ok := errors.AsType[*types.ValidationException](err); ok {
		text := strings.ToLower(invalid.ErrorMessage())
		return strings.Contains(text, "condition") || strings.Contains(text, "etag")
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && (response.HTTPStatusCode() == 409 || response.HTTPStatusCode() == 412)
}
