package io.moetier.emulator.driver.machine;

import io.moetier.emulator.driver.clock.GpuCosts;
import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.Diagnostics;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.fault.FaultPlan;
import io.moetier.emulator.driver.fault.Faults;
import io.moetier.emulator.driver.fault.InjectedFault;
import io.moetier.emulator.driver.option.EmulatedGpu;
import io.moetier.emulator.driver.option.EmulatedOptions;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.Scheduler;
import io.moetier.emulator.memory.DeviceFault;
import io.moetier.emulator.memory.DeviceMemory;
import io.moetier.emulator.ptx.run.LaunchOptions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// All state of the driver between a start or reset and the next: devices, contexts, handles, time.
///
/// **Concurrency.** Everything is guarded by the lock that [#call] holds. Other methods are called by
/// functions of the driver, or by [io.moetier.emulator.driver.EmulatedDriver] through [#locked].
public final class Machine {
    private static final long STREAM_LEGACY = 1;

    private final ReentrantLock lock = new ReentrantLock();
    private final EmulatedOptions options;
    private final ComputeCache computeCache;
    private final List<EmulatedDevice> devices = new ArrayList<>();
    private final Scheduler scheduler;
    private final Handles handles = new Handles();
    private final PinnedMemory pinned = new PinnedMemory();
    private final Diagnostics diagnostics = new Diagnostics();
    private final FaultPlan faults = new FaultPlan();
    private final KernelCosts kernelCosts;
    private final Map<String, CallTrace.Calls> trace = new TreeMap<>();
    private final List<String> abandoned = new ArrayList<>();
    private final ThreadLocal<ArrayDeque<EmulatedContext>> current = ThreadLocal.withInitial(ArrayDeque::new);
    private boolean initialised;
    private boolean inHostFunction;

    public Machine(EmulatedOptions options, ComputeCache computeCache) {
        this.options = options;
        this.computeCache = computeCache;
        scheduler = new Scheduler(
                options.schedule().order(),
                options.schedule().seed(),
                options.timing().timeline());
        kernelCosts = new KernelCosts(options.timing().counting());
        options.faults().forEach(faults::add);
        for (EmulatedGpu gpu : options.gpus()) {
            devices.add(new EmulatedDevice(devices.size(), gpu, options.fresh()));
        }
    }

    /// Something that is done under the lock.
    public interface Locked<T> {
        T run();
    }

    public <T> T locked(Locked<T> action) {
        lock.lock();
        try {
            return action.run();
        } finally {
            lock.unlock();
        }
    }

    /// Calls a function, and returns the number of its status. Throws nothing but what the JVM itself may
    /// throw.
    public int call(DriverFunction function, long[] arguments) {
        lock.lock();
        long begin = System.nanoTime();
        long workBefore = scheduler.workNanos();
        try {
            return answer(function, new Call(arguments)).code();
        } finally {
            long nanos = System.nanoTime() - begin - (scheduler.workNanos() - workBefore);
            trace.merge(function.name(), new CallTrace.Calls(1, nanos), (all, one) -> all.plus(one.nanos()));
            lock.unlock();
        }
    }

    private CudaStatus answer(DriverFunction function, Call call) {
        try {
            scheduler.advanceHost(costs().latencies().callNanos());
            leaveToOthers();
            prepare(function);
            function.entryPoint().run(this, call);
            return CudaStatus.SUCCESS;
        } catch (DriverError e) {
            if (e.reason() != null) {
                diagnostics.add(function.name(), e.status(), e.reason());
            }
            return e.status();
        } catch (DeviceFault e) {
            CudaStatus status = Faults.statusOfCall(e.kind());
            diagnostics.add(function.name(), status, String.valueOf(e.getMessage()));
            return status;
        } catch (Throwable e) {
            diagnostics.add(function.name(), CudaStatus.UNKNOWN, e.toString());
            return CudaStatus.UNKNOWN;
        }
    }

    private void leaveToOthers() {
        if (!options.others().isEmpty()) {
            double now = scheduler.hostNanos();
            for (EmulatedDevice device : devices) {
                device.memory()
                        .leaveToOthers(options.others().stream()
                                .mapToLong(other -> other.wants(device.ordinal(), now))
                                .sum());
            }
        }
    }

    private void prepare(DriverFunction function) {
        if (inHostFunction) {
            throw DriverError.of(CudaStatus.NOT_PERMITTED, "called from a host function");
        }
        Optional<InjectedFault> fault = faults.onCall(function.name());
        if (fault.isPresent()) {
            inject(fault.get());
        }
        if (function.precondition() != Precondition.NONE && !initialised) {
            throw DriverError.of(CudaStatus.NOT_INITIALIZED, "cuInit was not called");
        }
        if (function.precondition() == Precondition.CONTEXT) {
            context().check();
        }
    }

    private void inject(InjectedFault fault) {
        EmulatedContext context = current.get().peek();
        if (fault.lasting() && context != null) {
            context.breakWith(fault.status());
        }
        throw DriverError.of(fault.status(), "injected into call " + fault.call());
    }

    public void initialise() {
        if (devices.isEmpty()) {
            throw DriverError.of(CudaStatus.NO_DEVICE);
        }
        initialised = true;
    }

    public EmulatedOptions options() {
        return options;
    }

    public GpuCosts costs() {
        return options.timing().costs();
    }

    public ComputeCache computeCache() {
        return computeCache;
    }

    public List<EmulatedDevice> devices() {
        return devices;
    }

    public Scheduler scheduler() {
        return scheduler;
    }

    public Handles handles() {
        return handles;
    }

    public PinnedMemory pinned() {
        return pinned;
    }

    public Diagnostics diagnostics() {
        return diagnostics;
    }

    public FaultPlan faults() {
        return faults;
    }

    public KernelCosts kernelCosts() {
        return kernelCosts;
    }

    public CallTrace trace() {
        return new CallTrace(trace);
    }

    /// Returns what was live when its context went.
    List<String> abandoned() {
        return abandoned;
    }

    public EmulatedDevice device(int ordinal) {
        if (ordinal < 0 || ordinal >= devices.size()) {
            throw DriverError.of(CudaStatus.INVALID_DEVICE, "device " + ordinal + " where there are " + devices.size());
        }
        return devices.get(ordinal);
    }

    /// Returns the device that an address belongs to, null if it is none of a device.
    @Nullable
    public EmulatedDevice findDeviceOf(long address) {
        for (EmulatedDevice device : devices) {
            if (device.memory().find(address) != null) {
                return device;
            }
        }
        return null;
    }

    /// Returns the device whose memory holds a range.
    ///
    /// @throws DriverError `INVALID_VALUE` if there is none
    public EmulatedDevice deviceOf(long address, long bytes) {
        EmulatedDevice device = findDeviceOf(address);
        if (device == null) {
            throw DriverError.of(
                    CudaStatus.INVALID_VALUE,
                    bytes + " bytes at " + context().device().memory().describe(address, bytes));
        }
        device.memory().range(address, bytes);
        return device;
    }

    /// Returns the contexts of this thread, the current one first.
    public ArrayDeque<EmulatedContext> contexts() {
        return current.get();
    }

    /// Returns the current context of this thread.
    ///
    /// @throws DriverError `INVALID_CONTEXT` if there is none, or none any more
    public EmulatedContext context() {
        EmulatedContext context = current.get().peek();
        if (context == null) {
            throw DriverError.of(CudaStatus.INVALID_CONTEXT, "no context is current on this thread");
        }
        if (!handles.holds(context)) {
            throw DriverError.of(CudaStatus.CONTEXT_IS_DESTROYED, "the current context was destroyed");
        }
        return context;
    }

    /// Returns a stream by its handle; null and `CU_STREAM_LEGACY` are the null stream of the current
    /// context.
    public CommandStream stream(long handle) {
        return handle == 0 || handle == STREAM_LEGACY
                ? context().streams().nullStream()
                : handles.get(DriverStream.class, handle).stream();
    }

    /// Waits for a stream.
    ///
    /// @throws DriverError what broke the current context
    public void synchronize(CommandStream stream) {
        scheduler.synchronize(stream);
        context().check();
    }

    /// Waits for all streams of a context.
    ///
    /// @throws DriverError what broke that context
    public void synchronize(EmulatedContext context) {
        scheduler.synchronize(context.streams());
        context.check();
    }

    public void issue(CommandStream stream, Command command) {
        scheduler.issue(stream, command);
    }

    /// Runs a function of the program's, which may call none of the driver's.
    public void runHostFunction(Runnable function) {
        inHostFunction = true;
        try {
            function.run();
        } finally {
            inHostFunction = false;
        }
    }

    /// Returns how the next launch is to be interpreted.
    public LaunchOptions launchOptions(boolean counted) {
        return new LaunchOptions(
                scheduler.isAdversarial(),
                scheduler.isAdversarial()
                        ? scheduler.kernelSeed()
                        : options.schedule().seed(),
                counted,
                LaunchOptions.DEFAULT.maxWarpInstructions(),
                LaunchOptions.DEFAULT.disturbanceUlps());
    }

    public EmulatedContext createContext(EmulatedDevice device) {
        EmulatedContext context = new EmulatedContext(device, scheduler, diagnostics);
        handles.add(context);
        return context;
    }

    /// Ends a context with all that belongs to it, and notes what the program had not given back.
    public void destroy(EmulatedContext context) {
        scheduler.synchronize(context.streams());
        if (!context.any()) { // a broken context takes everything with it: its program could give nothing back
            abandoned.addAll(liveOf(context));
        }
        for (ContextResource resource : handles.all(ContextResource.class)) {
            if (resource.context() == context) {
                resource.discard();
                handles.remove(handles.of(resource));
            }
        }
        handles.removeKernelsOf(context);
        discardMemoryOf(context);
        scheduler.removeGroup(context.streams());
        handles.remove(handles.of(context));
        current.get().remove(context);
    }

    private void discardMemoryOf(EmulatedContext context) {
        DeviceMemory memory = context.device().memory();
        Map<Long, EmulatedContext> allocations = context.device().allocations();
        allocations.forEach((address, owner) -> {
            if (owner == context) {
                memory.free(address);
            }
        });
        allocations.values().removeIf(owner -> owner == context);
    }

    /// Gives back the memory of the devices, for the last time. Pinned memory stays: the program may still
    /// look at it.
    public boolean discard() {
        devices.forEach(device -> device.memory().close());
        return true;
    }

    public LeakReport leaks() {
        List<String> leaks = new ArrayList<>(abandoned);
        for (EmulatedContext context : handles.all(EmulatedContext.class)) {
            leaks.add("context of device " + context.device().ordinal());
            leaks.addAll(liveOf(context));
        }
        return new LeakReport(leaks);
    }

    private List<String> liveOf(EmulatedContext context) {
        List<String> live = new ArrayList<>();
        DeviceMemory memory = context.device().memory();
        context.device().allocations().forEach((address, owner) -> {
            if (owner == context) {
                live.add("device memory of " + memory.range(address, 1).bytes() + " bytes");
            }
        });
        for (ContextResource resource : handles.all(ContextResource.class)) {
            if (resource.context() == context) {
                live.add(resource.describe());
            }
        }
        pinned.all().stream().filter(block -> block.context() == context).forEach(block -> live.add(block.describe()));
        return live;
    }
}
