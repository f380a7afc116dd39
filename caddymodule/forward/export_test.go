package forward

// What tests with a Caddy around the package look at.
const (
	DefaultReplayBuffer = defaultReplayBuffer
	IdleConnsPerHost    = idleConnsPerHost
)

func (t *Transport) Replay() int { return t.replay }
