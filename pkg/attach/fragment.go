package attach

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"raincheck/pkg/gate"
)

// Tool is what else may own a distribution's configuration.
type Tool string

// The tools for which there is a fragment.
const (
	CloudFormation Tool = "cloudformation"
	Terraform      Tool = "terraform"
)

// Fragment is what Attach would do, in the words of the tool that owns the
// distribution: a change made behind such a tool's back is undone by its next
// run. It holds no secret but the name of one: secretARN is resolved by the
// tool itself, in CloudFormation by the version of that id: it resolves a reference
// only when the text of the template changes. An error means that Attach would
// refuse, and names why.
//
// A new path needs a behaviour that is a copy of another one, which the tool's
// own source describes better than the distribution does; the fragment says of
// which and where, and gives what is to be added to it. Warnings are comments at
// its head.
func Fragment(c *Config, r Request, tool Tool, secretARN, version string) (string, error) {
	plan := Attach(c, r)
	if len(plan.Conflicts) > 0 {
		return "", fmt.Errorf("attach: %s", strings.Join(plan.Conflicts, "; "))
	}
	behaviours := changes(c, plan)
	var out strings.Builder
	for _, w := range plan.Warnings {
		fmt.Fprintf(&out, "# ! %s\n", w)
	}
	switch tool {
	case CloudFormation:
		fmt.Fprintf(&out, cloudFormation, region(secretARN), region(secretARN), secretARN, OriginID, r.Room.Domain, gate.OriginHeader, secretARN, version)
		for _, pattern := range []string{BarePattern, RoomPattern} {
			fmt.Fprintf(&out, cloudFormationBehaviour, pattern, OriginID, r.Room.CachePolicy, r.Room.OriginRequestPolicy)
		}
		// Where it stands the functions belong to no behaviour, and CloudFormation refuses
		// them there: pasted unread, they protect nothing, and that shows.
		out.WriteString("      # The two functions, into each of these behaviours:\n")
		for _, b := range behaviours {
			fmt.Fprintf(&out, "      # %s\n", b)
		}
		fmt.Fprintf(&out, `      FunctionAssociations:
        - {EventType: viewer-request, FunctionARN: %s}
        - {EventType: viewer-response, FunctionARN: %s}
`, quoted(r.Room.Throttle), quoted(r.Room.Remember))
	case Terraform:
		fmt.Fprintf(&out, terraform, region(secretARN), quoted(secretARN), quoted(r.Room.Domain), quoted(OriginID), quoted(gate.OriginHeader))
		for _, pattern := range []string{BarePattern, RoomPattern} {
			fmt.Fprintf(&out, terraformBehaviour, quoted(pattern), quoted(OriginID), quoted(r.Room.CachePolicy), quoted(r.Room.OriginRequestPolicy))
		}
		out.WriteString("\n  # The two functions, into each of these behaviours:\n")
		for _, b := range behaviours {
			fmt.Fprintf(&out, "  # %s\n", b)
		}
		fmt.Fprintf(&out, `    function_association {
      event_type   = "viewer-request"
      function_arn = %s
    }
    function_association {
      event_type   = "viewer-response"
      function_arn = %s
    }
`, quoted(r.Room.Throttle), quoted(r.Room.Remember))
	default:
		return "", fmt.Errorf("attach: unknown tool %q: cloudformation or terraform", tool)
	}
	return out.String(), nil
}

// changes are the sentences of the plan that are about protected behaviours.
func changes(c *Config, plan Plan) []string {
	var out []string
	for _, s := range plan.Steps {
		if !strings.Contains(s.Text, OriginID) && !strings.Contains(s.Text, RoomPattern) {
			out = append(out, s.Text)
		}
	}
	if len(out) == 0 {
		out = []string{"every behaviour that was asked for has them already"}
	}
	return slices.Clip(out)
}

// region is the fourth part of an ARN.
func region(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return "the stack's region"
}

// quoted is a string of YAML, JSON and HCL alike. None of the values has a
// "${", which HCL would expand.
func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(data)
}

const cloudFormation = `# Into the DistributionConfig of your AWS::CloudFront::Distribution.
#
# The secret is in %s, and CloudFormation resolves it in a stack of the same region alone. If yours is in another one,
# first put a replica of it there, and write that region into the ARN below:
#   aws secretsmanager replicate-secret-to-regions --region %s --secret-id %s --add-replica-regions Region=REGION
# Whoever deploys it needs secretsmanager:GetSecretValue on the secret that the ARN names.
#
# The last part of HeaderValue is the version of the secret: CloudFormation reads the value when this text changes, not when
# the secret does. After raincheck rotate --origin, print this again and deploy it.
      Origins:                    # add this one
        - Id: %s
          DomainName: %s
          CustomOriginConfig: {OriginProtocolPolicy: https-only, OriginSSLProtocols: [TLSv1.2]}
          OriginCustomHeaders:
            - HeaderName: %s
              HeaderValue: '{{resolve:secretsmanager:%s:SecretString:::%s}}'
      CacheBehaviors:             # these two first: order is precedence
`

const cloudFormationBehaviour = `        - PathPattern: %s
          TargetOriginId: %s
          ViewerProtocolPolicy: redirect-to-https
          AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]
          Compress: true
          CachePolicyId: %s
          OriginRequestPolicyId: %s
`

const terraform = `# Beside your aws_cloudfront_distribution. The secret is in %s: if your provider is in another region, add to the data
# source a line that names a provider of that region, such as: provider = aws.raincheck
# It reads the present value in every run: after raincheck rotate --origin, apply it again.
data "aws_secretsmanager_secret_version" "raincheck_origin" {
  secret_id = %s
}

  # Into it.
  origin {
    domain_name = %s
    origin_id   = %s
    custom_header {
      name  = %s
      value = data.aws_secretsmanager_secret_version.raincheck_origin.secret_string
    }
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  # These two first: order is precedence.
`

const terraformBehaviour = `  ordered_cache_behavior {
    path_pattern             = %s
    target_origin_id         = %s
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = %s
    origin_request_policy_id = %s
  }
`
