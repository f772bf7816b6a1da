// controller-runtime's controller of all pods, measured as the others are: see ../clients/harness.py, whose output this is.
// Its reconciler reads the pod from the cache and does nothing else. The caches are read as in a manager, by default in
// protobuf; the priority queue, recovery of panics and metrics are its defaults.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const workers = 8

var (
	address = flag.String("server", "", "host:port")
	pods    = flag.Int64("pods", 0, "how many pods the server has")
	events  = flag.Int64("events", 0, "how many of them change")
	bursts  = flag.String("bursts", "", "ignored: it reads the same in each")
	limit   = flag.Float64("limit", 300, "seconds that any one phase may take")
	variant = flag.String("variant", "protobuf", "json or protobuf")
	count   atomic.Int64
	target  atomic.Int64
	sink    atomic.Int64
	done    = make(chan time.Time, 1)
	result  = map[string]any{}
)

func main() {
	flag.Parse()
	result["peer"] = "controller-runtime (" + *variant + ")"
	if err := run(); err != nil {
		result["error"] = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func run() error {
	ctrl.SetLogger(logr.Discard())
	config := &rest.Config{Host: "http://" + *address, QPS: -1}
	if *variant == "json" {
		config.ContentType = "application/json"
	}
	start := time.Now()
	target.Store(*pods)
	mgr, err := ctrl.NewManager(config, manager.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	client := mgr.GetClient()
	reconciler := func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		var pod v1.Pod
		if err := client.Get(ctx, request.NamespacedName, &pod); err != nil {
			return reconcile.Result{}, err
		}
		sink.Store(int64(len(pod.Labels["app"]) + len(pod.Status.Phase)))
		if count.Add(1) == target.Load() {
			done <- time.Now()
		}
		return reconcile.Result{}, nil
	}
	err = ctrl.NewControllerManagedBy(mgr).
		For(&v1.Pod{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(reconcile.Func(reconciler))
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- mgr.Start(context.Background()) }()
	took, err := wait(start, failed)
	if err != nil {
		return err
	}
	result["sync_s"], result["sync_cpu_s"] = took.Seconds(), cpuSeconds()
	result["sync_peak_mib"] = memory("VmHWM")
	runtime.GC()
	debug.FreeOSMemory() // what the runtime would give back within minutes
	result["rss_mib"] = memory("VmRSS")

	cpu := cpuSeconds()
	count.Store(0)
	target.Store(*events)
	start = time.Now()
	response, err := http.Post("http://"+*address+"/_bench/burst?n=0", "", nil)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("the server had no watch to send events to")
	}
	took, err = wait(start, failed)
	if err != nil {
		return err
	}
	result["metadata_per_s"], result["metadata_cpu_s"] = float64(*events)/took.Seconds(), cpuSeconds()-cpu
	result["peak_mib"] = memory("VmHWM")
	return nil
}

func wait(start time.Time, failed <-chan error) (time.Duration, error) {
	select {
	case at := <-done:
		return at.Sub(start), nil
	case err := <-failed:
		return 0, fmt.Errorf("the manager ended: %w", err)
	case <-time.After(time.Duration(*limit * float64(time.Second))):
		return 0, fmt.Errorf("%d of %d reconciles", count.Load(), target.Load())
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
