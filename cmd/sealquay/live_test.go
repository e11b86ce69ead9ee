package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"go.uber.org/zap"

	"github.com/sealquay/sealquay/bench"
	"github.com/sealquay/sealquay/internal/config"
)

// pictures is a directory for pictures of the live page, or "".
var pictures = os.Getenv("SEALQUAY_PICTURES")

// A browser has the live page open.
type browser struct {
	t   testing.TB
	ctx context.Context
}

// openBrowser starts Chromium with nothing remembered.
func openBrowser(t testing.TB) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, closeAll := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(closeAll)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &browser{t, ctx}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.wrong = [];
			addEventListener("securitypolicyviolation", (e) => wrong.push("policy: " + e.violatedDirective + " " + e.blockedURI));
			addEventListener("error", (e) => wrong.push("error: " + e.message), true);`}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits until an expression of JavaScript is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	poll := chromedp.Poll[bool](expression, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience))
	if _, err := chromedp.Run(b.ctx, poll); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("%s never holds: %v\n%s", expression, err, text)
	}
}

func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// picture saves what is seen, wide and narrow, light and dark, if pictures are
// wanted.
func (b *browser) picture(name string) {
	if pictures == "" {
		return
	}
	for _, scheme := range []string{"dark", "light"} { // it stays light
		if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
			b.t.Fatal(err)
		}
		for width, kind := range map[int64]string{1600: "wide", 390: "narrow"} {
			b.do(chromedp.EmulateViewport(width, 1000), chromedp.Sleep(1500*time.Millisecond))
			png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				b.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%s-%s-%s.png", name, kind, scheme)), png, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.do(chromedp.EmulateViewport(1440, 900))
}

// load sends files to the server until the function it returns is called.
func load(t testing.TB, s *testServer) (stop func()) {
	t.Helper()
	p := benchPlan(t, s)
	p.MaxSessions = 1 << 30
	ctx, cancel := context.WithCancel(t.Context())
	runner, err := bench.New(ctx, p, bench.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() { runner.Run(ctx) })
	return func() {
		cancel()
		done.Wait()
	}
}

// hostile is a name of a file that wants to be markup.
const hostile = `<img src=x onerror=wrong.push(1)>`

// TestLivePage looks at the page in a real browser while the server works, fails,
// drains, ends, and is there again. SEALQUAY_PICTURES=DIR saves what is seen.
func TestLivePage(t *testing.T) {
	s := startTestServer(t, func(c *config.Config) { c.MinimumBodyRate = 0 }) // one upload waits
	a := showTestServer(t, s)
	b := openBrowser(t)
	b.do(chromedp.Navigate("http://" + a.addr.String() + "/"))
	b.until(`document.querySelector("#state").textContent === "Ready" && document.querySelectorAll("canvas").length === 8`)
	b.until(`document.querySelector("#connections").textContent === "0"`)
	if text := evaluate[string](b, "document.body.innerText"); !strings.Contains(text, "No upload is under way") || !strings.Contains(text, "No quota is set") {
		t.Errorf("an empty server shows\n%s", text)
	}
	b.picture("empty")

	who := dial(t, s)
	me := who.register("</td>&amp;anna")
	key := who.exchange(me)
	content := seal(key, make([]byte, 1<<20))
	sent := request(me.id, 1103, 275+len(content), me.id[:], number(len(content)), text(hostile), content)
	who.send(sent[:len(sent)/2])
	stop := load(t, s)
	showsBusy(b)
	b.picture("busy")
	keyboard(b)
	failing(b, s)
	stop()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.stop(t)
	}()
	b.until(`document.querySelector("#state").textContent === "Draining" && !document.querySelector("#banner").hidden`)
	who.send(sent[len(sent)/2:])
	who.expect(2103)
	who.close()
	<-ended
	a.Close()
	b.until(`document.querySelector("#banner").textContent.includes("The server has ended.")`)

	again := startTestServer(t, func(c *config.Config) { c.Quota.TotalBytes, c.Quota.ClientFiles = 1<<20, 4 })
	cfg := &config.Config{Admin: config.Admin{Address: netip.AddrPortFrom(a.addr.Addr(), a.addr.Port())}}
	shown := startAdmin(cfg, zap.NewNop(), again.server)
	defer shown.Close()
	b.until(fmt.Sprintf(`document.querySelector("#state").textContent === "Ready" && document.querySelector("#addr").textContent === %q`, again.addr))
	b.until(`document.querySelector("#connections").textContent === "0" && document.querySelector("#banner").hidden`)
	showsQuotas(b, again)
	if wrong := evaluate[[]string](b, "wrong"); len(wrong) > 0 {
		t.Errorf("the page did wrong: %q", wrong)
	}
}

// showsBusy finds the load in the page, and names from outside as text.
func showsBusy(b *browser) {
	b.t.Helper()
	b.until(`parseFloat(document.querySelector("#received").textContent) > 0 && document.querySelector("#latency").textContent !== "–"`)
	b.until(`[...document.querySelectorAll("#uploads-table tbody tr")].some((r) => r.cells[0].textContent === "</td>&amp;anna" &&
		r.cells[1].textContent === ` + fmt.Sprintf("%q", hostile) + ` && r.querySelector("progress").value > 0.1)`)
	b.until(`[...document.querySelectorAll("#requests-table tbody tr")].some((r) => r.cells[0].textContent === "valid_crc" && Number(r.cells[5].textContent.replace(",", "")) > 1)`)
	b.until(`document.querySelectorAll("#clients-table tbody tr").length > 0`)
	if n := evaluate[int](b, `document.querySelectorAll("img, td *:not(div, progress, span)").length`); n != 0 {
		b.t.Errorf("a name became %d elements", n)
	}
	if label := evaluate[string](b, `document.querySelector("[role=img]").getAttribute("aria-label")`); !strings.HasPrefix(label, "Content received, now: ") {
		b.t.Errorf("a chart tells those who do not see it %q", label)
	}
}

// showsQuotas uses quotas up, little by little.
func showsQuotas(b *browser, s *testServer) {
	b.t.Helper()
	line := func(of, what, mark, rest string) {
		b.t.Helper()
		b.until(fmt.Sprintf(`[...document.querySelectorAll("#quotas-table tbody tr")].some((r) => r.dataset.mark === %q &&
			r.cells[0].textContent === %q && r.cells[1].textContent === %q && r.innerText.replace(/\s+/g, " ").endsWith(%q))`, mark, of, what, rest))
	}
	line("All clients", "bytes", "", "– 0 % 0 B 1.00 MiB")
	p := dial(b.t, s)
	who := p.register("<i>berta</i>")
	key := p.exchange(who)
	for n, size := range []int{1 << 19, 400 << 10, 0} {
		p.deliver(who, key, fmt.Sprint(n), make([]byte, size))
	}
	line("<i>berta</i>", "files", "", "– 75 % 3 4")
	line("All clients", "bytes", "near", "Nearly used up 89 % 912 KiB 1.00 MiB")
	p.deliver(who, key, "the last", nil)
	line("<i>berta</i>", "files", "full", "Used up 100 % 4 4")
	b.picture("quotas")
}

// keyboard does everything that can be done, without a mouse.
func keyboard(b *browser) {
	b.t.Helper()
	b.do(chromedp.KeyEvent("\t"))
	if class := evaluate[string](b, "document.activeElement.className"); class != "skip" {
		b.t.Errorf("the first stop is %q", class)
	}
	b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "pause" && document.activeElement.getAttribute("aria-pressed") === "true"`)
	frames := evaluate[int](b, "Number(document.documentElement.dataset.frames)")
	b.do(chromedp.Sleep(1500 * time.Millisecond))
	if now := evaluate[int](b, "Number(document.documentElement.dataset.frames)"); now != frames {
		b.t.Error("a paused page goes on")
	}
	b.do(chromedp.KeyEvent("\r"))
	b.until(fmt.Sprintf("Number(document.documentElement.dataset.frames) > %d", frames+1))
	light := evaluate[string](b, "getComputedStyle(document.body).backgroundColor")
	b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"), chromedp.KeyEvent("\r"))
	b.until(`document.documentElement.dataset.theme === "dark"`)
	if dark := evaluate[string](b, "getComputedStyle(document.body).backgroundColor"); dark == light {
		b.t.Errorf("dark is as light, %s", dark)
	}
	b.do(chromedp.KeyEvent("\r"))
	b.until(`!("theme" in document.documentElement.dataset)`)
}

// failing takes the storage's folder for new content away, and brings it back.
func failing(b *browser, s *testServer) {
	b.t.Helper()
	folder := filepath.Join(s.dir, "tmp")
	if err := os.Rename(folder, folder+"-away"); err != nil {
		b.t.Fatal(err)
	}
	b.until(`document.querySelector("#state").textContent === "Storage fails" && document.querySelector("#banner").textContent.includes("no such file")`)
	b.until(`document.querySelectorAll("#causes-table tbody tr").length > 0`)
	b.picture("failing")
	if err := os.Rename(folder+"-away", folder); err != nil {
		b.t.Fatal(err)
	}
	b.until(`document.querySelector("#state").textContent === "Ready"`)
}
