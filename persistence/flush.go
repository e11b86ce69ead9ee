package persistence

import "context"

// flush puts a draft and its intent on stable storage in the background: a
// client takes a while to compare checksums, and that time is not lost.
type flush struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done
}

// startFlush begins to flush what steps flush, in turn. It goes on when ctx ends.
func startFlush(ctx context.Context, steps ...func(context.Context) error) *flush {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flush{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		defer cancel()
		for _, step := range steps {
			if f.err = step(ctx); f.err != nil {
				return
			}
		}
	}()
	return f
}

// wait returns the outcome, or the error of a context that ends before.
func (f *flush) wait(ctx context.Context) error {
	select {
	case <-f.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.err != nil {
		return f.err
	}
	return ctx.Err()
}

// end gives the flush up if it has not begun, and returns when the draft is
// free. A flush that was never started has ended.
func (f *flush) end() {
	if f == nil {
		return
	}
	f.cancel()
	<-f.done
}
