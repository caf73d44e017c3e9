package stack_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/pkg/aws/stack"
	"raincheck/test/emulators/cloudformation"
)

// TestDescribe finds a stack, another's stack and none.
func TestDescribe(t *testing.T) {
	t.Parallel()
	server := &cloudformation.Server{}
	server.Put("raincheck", map[string]string{"TableName": "raincheck-Table-1", "RoomDomain": "a&b"}, map[string]string{"Capacity": "50000"})
	server.Put("shop", map[string]string{"Url": "https://example.org"}, nil)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	client := stack.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(listener.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} }})

	s, err := client.Describe(t.Context(), "raincheck")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Need("TableName", "RoomDomain"); err != nil || got[0] != "raincheck-Table-1" || got[1] != "a&b" || s.Parameters["Capacity"] != "50000" {
		t.Errorf("%q, %v, %v", got, err, s)
	}
	other, err := client.Describe(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Need("Url", "TableName", "RoomDomain"); !errors.Is(err, stack.ErrOther) || !strings.Contains(err.Error(), "TableName, RoomDomain") {
		t.Errorf("another stack: %v", err)
	}
	if _, err := client.Describe(t.Context(), "rainchek"); !errors.Is(err, stack.ErrNotFound) {
		t.Errorf("no stack: %v", err)
	}
	server.Break(1)
	if _, err := client.Describe(t.Context(), "raincheck"); err == nil || errors.Is(err, stack.ErrNotFound) {
		t.Errorf("a service that is down: %v", err)
	}
}
