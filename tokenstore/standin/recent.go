package standin

// recent is a map that forgets the entries that were added first once it holds
// more than max, so that a stand-in that runs for weeks stays bounded.
type recent[K comparable, V any] struct {
	max   int
	items map[K]V
	order []K // keys in the order of their addition, some deleted since
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{max: limit, items: make(map[K]V)}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.items[k]
	return v, ok
}

// put adds k. A key must be added once only.
func (r *recent[K, V]) put(k K, v V) {
	for len(r.order) >= r.max {
		delete(r.items, r.order[0])
		r.order = r.order[1:]
	}
	r.items[k] = v
	r.order = append(r.order, k)
}

func (r *recent[K, V]) delete(k K) { delete(r.items, k) }
