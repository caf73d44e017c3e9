package secret

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// Spread is how long after a value was written every function has it: each keeps
// what it has read for a little less.
const Spread = 5 * time.Minute

// ReadRing reads the document of the key ring, past every cache: what is written
// back must be made of what is there now.
func ReadRing(ctx context.Context, cfg aws.Config, id string) ([]byte, error) {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return nil, fmt.Errorf("read the key ring: %w", err)
	}
	return []byte(aws.ToString(out.SecretString)), nil
}

// WriteRing writes the document of the key ring.
func WriteRing(ctx context.Context, cfg aws.Config, id string, document []byte) error {
	text := string(document)
	_, err := secretsmanager.NewFromConfig(cfg).PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: &text})
	if err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	return nil
}

// OriginValues are the two good values of the origin header.
type OriginValues struct {
	// Present is the newest, of the version with that id, which was written at Since.
	Present, Version string
	Since            time.Time
	// Previous is the one before; empty when there is none.
	Previous string
}

// ReadOrigin reads both values, past every cache.
func ReadOrigin(ctx context.Context, cfg aws.Config, id string) (OriginValues, error) {
	client := secretsmanager.NewFromConfig(cfg)
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return OriginValues{}, fmt.Errorf("read the origin header: %w", err)
	}
	v := OriginValues{Present: aws.ToString(out.SecretString), Version: aws.ToString(out.VersionId), Since: aws.ToTime(out.CreatedDate)}
	out, err = client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id, VersionStage: aws.String("AWSPREVIOUS")})
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); none {
		return v, nil
	}
	if err != nil {
		return OriginValues{}, fmt.Errorf("read the origin header before the last rotation: %w", err)
	}
	v.Previous = aws.ToString(out.SecretString)
	return v, nil
}

// WriteOrigin makes value the present one; the present one becomes the previous.
func WriteOrigin(ctx context.Context, cfg aws.Config, id, value string) error {
	_, err := secretsmanager.NewFromConfig(cfg).PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: &value})
	if err != nil {
		return fmt.Errorf("write the origin header: %w", err)
	}
	return nil
}
