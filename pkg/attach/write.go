package attach

import (
	"fmt"
	"strings"

	"raincheck/pkg/gate"
)

// associations is the FunctionAssociations element with throttle on viewer
// requests and remember on viewer responses.
func associations(functions []string) string {
	return "<FunctionAssociations><Quantity>2</Quantity><Items>" +
		association("viewer-request", functions[0]) + association("viewer-response", functions[1]) +
		"</Items></FunctionAssociations>"
}

func association(event, arn string) string {
	return "<FunctionAssociation><FunctionARN>" + escape(arn) + "</FunctionARN><EventType>" + event + "</EventType></FunctionAssociation>"
}

// noAssociations is what CloudFront itself writes for a behaviour without any.
const noAssociations = "<FunctionAssociations><Quantity>0</Quantity></FunctionAssociations>"

// copyOf is a CacheBehavior for pattern with source's settings, and functions
// as its FunctionAssociations element.
func (c *Config) copyOf(source *element, pattern, functions string) string {
	var out strings.Builder
	out.WriteString("<CacheBehavior><PathPattern>" + escape(pattern) + "</PathPattern>")
	placed := false
	for _, child := range source.children {
		switch child.name {
		case "PathPattern":
		case "FunctionAssociations":
			out.WriteString(functions)
			placed = true
		default:
			out.Write(c.raw[child.start:child.end])
		}
	}
	if !placed {
		out.WriteString(functions)
	}
	out.WriteString("</CacheBehavior>")
	return out.String()
}

// roomBehaviour is one of the two behaviours of the waiting room's pages. Elements that
// CloudFront fills in by itself are written out, so that what is read back
// equals what was written.
func roomBehaviour(r Room, pattern string) string {
	return "<CacheBehavior><PathPattern>" + pattern + "</PathPattern><TargetOriginId>" + OriginID + "</TargetOriginId>" +
		"<TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>" +
		"<TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>" +
		"<ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>" +
		"<AllowedMethods><Quantity>7</Quantity><Items><Method>HEAD</Method><Method>DELETE</Method><Method>POST</Method><Method>GET</Method>" +
		"<Method>OPTIONS</Method><Method>PUT</Method><Method>PATCH</Method></Items>" +
		"<CachedMethods><Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items></CachedMethods></AllowedMethods>" +
		"<SmoothStreaming>false</SmoothStreaming><Compress>true</Compress>" +
		"<LambdaFunctionAssociations><Quantity>0</Quantity></LambdaFunctionAssociations>" + noAssociations +
		"<FieldLevelEncryptionId></FieldLevelEncryptionId>" +
		"<CachePolicyId>" + escape(r.CachePolicy) + "</CachePolicyId><OriginRequestPolicyId>" + escape(r.OriginRequestPolicy) + "</OriginRequestPolicyId>" +
		"<GrpcConfig><Enabled>false</Enabled></GrpcConfig></CacheBehavior>"
}

// originFor is the room's API as an origin. The two timeouts are CloudFront's
// defaults; one attempt is enough for a POST, which CloudFront never repeats,
// and a second one costs a reader of the page at most the connection's 10 s.
func originFor(r Room, note string) string {
	header := func(name, value string) string {
		return "<OriginCustomHeader><HeaderName>" + name + "</HeaderName><HeaderValue>" + escape(value) + "</HeaderValue></OriginCustomHeader>"
	}
	return fmt.Sprintf("<Origin><Id>%s</Id><DomainName>%s</DomainName><OriginPath></OriginPath>"+
		"<CustomHeaders><Quantity>2</Quantity><Items>%s%s</Items></CustomHeaders>"+
		"<CustomOriginConfig><HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort><OriginProtocolPolicy>https-only</OriginProtocolPolicy>"+
		"<OriginSslProtocols><Quantity>1</Quantity><Items><SslProtocol>TLSv1.2</SslProtocol></Items></OriginSslProtocols>"+
		"<OriginReadTimeout>30</OriginReadTimeout><OriginKeepaliveTimeout>5</OriginKeepaliveTimeout></CustomOriginConfig>"+
		"<ConnectionAttempts>2</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout>"+
		"<OriginShield><Enabled>false</Enabled></OriginShield><OriginAccessControlId></OriginAccessControlId></Origin>",
		OriginID, escape(r.Domain), header(gate.OriginHeader, r.Secret), header(NoteHeader, note))
}
