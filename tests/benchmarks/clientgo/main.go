// client-go's shared informer of all pods, measured as the Python clients are: see ../clients/harness.py, whose flags and
// output these are. With -encode it writes the JSON recording of a watch as protobuf instead, for the server to play.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const protobufType = "application/vnd.kubernetes.protobuf"

var (
	server  = flag.String("server", "", "host:port")
	pods    = flag.Int64("pods", 0, "how many pods the server has")
	events  = flag.Int64("events", 0, "how many events a burst has")
	bursts  = flag.String("bursts", "metadata,status,everything", "what the handler reads in each burst")
	steady  = flag.Int64("steady", 0, "how many events come at a fixed rate")
	rate    = flag.Float64("rate", 200, "that rate, in events a second")
	limit   = flag.Float64("limit", 300, "seconds that any one phase may take")
	variant = flag.String("variant", "json", "json or protobuf")
	encode  = flag.Bool("encode", false, "turn the recording on standard input into protobuf on standard output")
	result  = map[string]any{}
	sink    atomic.Int64
)

type bench struct {
	adds, updates, target atomic.Int64
	synced                chan time.Time
	done                  chan time.Time
	read                  atomic.Pointer[func(*v1.Pod)]
	latencies             []time.Duration
}

func main() {
	flag.Parse()
	if *encode {
		if err := encodeRecording(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	result["peer"], result["pods"], result["events"] = "client-go ("+*variant+")", *pods, *events
	if err := run(); err != nil {
		result["error"] = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func run() error {
	config := &rest.Config{Host: "http://" + *server, QPS: -1}
	config.ContentType = "application/json"
	if *variant == "protobuf" {
		config.ContentType = protobufType
		config.AcceptContentTypes = protobufType + ",application/json"
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	b := &bench{synced: make(chan time.Time, 1), done: make(chan time.Time, 1)}
	nothing := func(*v1.Pod) {}
	b.read.Store(&nothing)
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Pods()
	if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) {
			if b.adds.Add(1) == *pods {
				b.synced <- time.Now()
			}
		},
		UpdateFunc: func(_, object any) {
			pod, isPod := object.(*v1.Pod)
			if !isPod {
				return
			}
			(*b.read.Load())(pod)
			if b.updates.Add(1) == b.target.Load() {
				b.done <- time.Now()
			}
		},
	}); err != nil {
		return err
	}
	start := time.Now()
	factory.Start(context.Background().Done())
	select {
	case at := <-b.synced:
		result["sync_s"] = at.Sub(start).Seconds()
	case <-time.After(time.Duration(*limit * float64(time.Second))):
		return fmt.Errorf("not synced: %d of %d objects", b.adds.Load(), *pods)
	}
	result["sync_cpu_s"] = cpuSeconds()
	result["sync_rss_mib"], result["sync_peak_mib"] = memory("VmRSS"), memory("VmHWM")
	runtime.GC()
	result["gc_rss_mib"] = memory("VmRSS")
	debug.FreeOSMemory() // what the runtime would give back within minutes
	result["rss_mib"] = memory("VmRSS")

	readers := map[string]func(*v1.Pod){"metadata": readMetadata, "status": readStatus, "everything": readEverything}
	names := []string{"metadata", "status", "everything"}
	for _, name := range strings.Split(*bursts, ",") {
		if name == "" {
			continue
		}
		reader, cpu := readers[name], cpuSeconds()
		b.read.Store(&reader)
		took, err := b.events(fmt.Sprintf("burst?n=%d", slices.Index(names, name)), *events)
		if err != nil {
			return err
		}
		result[name+"_per_s"] = float64(*events) / took.Seconds()
		result[name+"_cpu_s"] = cpuSeconds() - cpu
	}
	if *steady > 0 {
		if err := b.measureSteady(); err != nil {
			return err
		}
	}
	result["peak_mib"] = memory("VmHWM")
	result["reads"] = measureReads(informer.Lister().List, func(namespace, name string) (*v1.Pod, error) {
		return informer.Lister().Pods(namespace).Get(name)
	})
	return nil
}

func (b *bench) measureSteady() error {
	latency := func(pod *v1.Pod) {
		if sent, err := strconv.ParseInt(pod.Annotations["bench.example/sent"], 10, 64); err == nil {
			b.latencies = append(b.latencies, time.Since(time.Unix(0, sent)))
		}
	}
	b.read.Store(&latency)
	if _, err := b.events(fmt.Sprintf("steady?rate=%g", *rate), *steady); err != nil {
		return err
	}
	ordered := b.latencies[len(b.latencies)/10:] // the first tenth warms up
	if len(ordered) == 0 {
		return errors.New("no event carried the time of its sending")
	}
	slices.Sort(ordered)
	result["latency_p50_ms"] = ordered[len(ordered)/2].Seconds() * 1e3
	result["latency_p99_ms"] = ordered[len(ordered)*99/100].Seconds() * 1e3
	return nil
}

func (b *bench) events(order string, count int64) (time.Duration, error) {
	b.updates.Store(0)
	b.target.Store(count)
	start := time.Now()
	response, err := http.Post("http://"+*server+"/_bench/"+order, "", nil)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, errors.New("the server had no watch to send events to")
	}
	select {
	case at := <-b.done:
		return at.Sub(start), nil
	case <-time.After(time.Duration(*limit * float64(time.Second))):
		return 0, fmt.Errorf("%d of %d events", b.updates.Load(), count)
	}
}

func readMetadata(pod *v1.Pod) {
	sink.Store(int64(len(pod.Namespace) + len(pod.Name) + len(pod.ResourceVersion) + len(pod.Labels["app"])))
}

func readStatus(pod *v1.Pod) {
	sink.Store(int64(len(pod.Status.Phase) + len(pod.Status.PodIP)))
}

func readEverything(pod *v1.Pod) {
	readMetadata(pod)
	readStatus(pod)
	size := len(pod.ManagedFields[0].Manager) + len(pod.OwnerReferences[0].UID) + len(pod.Spec.NodeName)
	for _, container := range pod.Spec.Containers {
		size += len(container.Image)
	}
	for _, condition := range pod.Status.Conditions {
		size += len(condition.Type)
	}
	sink.Store(int64(size))
}

func measureReads(list func(labels.Selector) ([]*v1.Pod, error), get func(string, string) (*v1.Pod, error)) map[string]float64 {
	all, _ := list(labels.Everything())
	some := all[:min(1000, len(all))]
	best := func(call func()) float64 {
		fastest := time.Hour
		for range 5 {
			start := time.Now()
			call()
			fastest = min(fastest, time.Since(start))
		}
		return fastest.Seconds()
	}
	selector := labels.SelectorFromSet(labels.Set{"app": "web-0000"})
	return map[string]float64{
		"get_s": best(func() {
			for _, pod := range some {
				_, _ = get(pod.Namespace, pod.Name)
			}
		}) / float64(len(some)),
		"list_s":          best(func() { _, _ = list(labels.Everything()) }),
		"list_selector_s": best(func() { _, _ = list(selector) }),
	}
}

func memory(field string) float64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if words := strings.Fields(line); words[0] == field+":" {
			kib, _ := strconv.ParseFloat(words[1], 64)
			return kib / 1024
		}
	}
	return 0
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// encodeRecording reads chunks that hold a JSON watch event each, and writes chunks that hold a protobuf one.
func encodeRecording(in io.Reader, out io.Writer) error {
	serializer := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	raw := protobuf.NewRawSerializer(scheme.Scheme, scheme.Scheme) // the event itself has no envelope, its object has
	decoder := json.NewDecoder(httputil.NewChunkedReader(bufio.NewReaderSize(in, 1<<20)))
	buffered := bufio.NewWriterSize(out, 1<<20)
	chunks := httputil.NewChunkedWriter(buffered)
	var framed bytes.Buffer
	frames := protobuf.LengthDelimitedFramer.NewFrameWriter(&framed)
	for {
		var event metav1.WatchEvent
		if err := decoder.Decode(&event); err != nil {
			// A recording of a watch has no last chunk: it ends where the server goes on.
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return buffered.Flush()
			}
			return err
		}
		var pod v1.Pod
		if err := json.Unmarshal(event.Object.Raw, &pod); err != nil {
			return err
		}
		object, err := apiruntime.Encode(serializer, &pod)
		if err != nil {
			return err
		}
		event.Object = apiruntime.RawExtension{Raw: object}
		frame, err := apiruntime.Encode(raw, &event)
		if err != nil {
			return err
		}
		framed.Reset()
		if _, err := frames.Write(frame); err != nil {
			return err
		}
		if _, err := chunks.Write(framed.Bytes()); err != nil {
			return err
		}
	}
}
