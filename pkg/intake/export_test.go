package intake

// What the tests look at from outside.
var (
	EmbedSource = func() []byte { return embedScript }
	Style       = style
)
