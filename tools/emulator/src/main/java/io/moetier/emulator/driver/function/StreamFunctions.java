package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;
import static java.lang.foreign.ValueLayout.ADDRESS;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.DriverEvent;
import io.moetier.emulator.driver.machine.DriverStream;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.EventRecord;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// Streams.
final class StreamFunctions {
    private static final int NON_BLOCKING = 1;

    private StreamFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuStreamCreate", 2, CONTEXT, (machine, call) -> create(machine, call, 0));
        table.add("cuStreamCreateWithPriority", 3, CONTEXT, (machine, call) -> create(machine, call, call.number(2)));
        table.add("cuStreamDestroy_v2", 1, CONTEXT, StreamFunctions::destroy);
        table.add(
                "cuStreamSynchronize",
                1,
                CONTEXT,
                (machine, call) -> machine.synchronize(machine.stream(call.word(0))));
        table.add("cuStreamQuery", 1, CONTEXT, StreamFunctions::query);
        table.add("cuStreamWaitEvent", 3, CONTEXT, StreamFunctions::waitForEvent);
        table.add("cuStreamGetPriority", 2, CONTEXT, StreamFunctions::priority);
        table.add("cuStreamGetFlags", 2, CONTEXT, StreamFunctions::flags);
        table.add("cuLaunchHostFunc", 3, CONTEXT, StreamFunctions::launchHostFunction);
    }

    private static void create(Machine machine, Call call, int priority) {
        if ((call.number(1) & ~NON_BLOCKING) != 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "flags " + call.number(1));
        }
        EmulatedContext context = machine.context();
        boolean blocking = (call.number(1) & NON_BLOCKING) == 0;
        CommandStream stream = machine.scheduler().addStream(context.streams(), blocking);
        call.answer(0, machine.handles().add(new DriverStream(context, stream, priority)));
    }

    /// What the stream was given still runs.
    private static void destroy(Machine machine, Call call) {
        DriverStream stream = machine.handles().get(DriverStream.class, call.word(0));
        machine.handles().remove(call.word(0));
        machine.scheduler().retire(stream.stream());
    }

    private static void query(Machine machine, Call call) {
        if (!machine.scheduler().isIdle(machine.stream(call.word(0)))) {
            throw DriverError.of(CudaStatus.NOT_READY);
        }
        machine.context().check();
    }

    /// An event that was never recorded is no reason to wait.
    private static void waitForEvent(Machine machine, Call call) {
        CommandStream stream = machine.stream(call.word(0));
        EventRecord latest =
                machine.handles().get(DriverEvent.class, call.word(1)).latest();
        if (latest != null) {
            machine.issue(stream, Command.await(latest));
        }
    }

    private static void priority(Machine machine, Call call) {
        DriverStream stream = machine.handles().find(DriverStream.class, call.word(0));
        call.answer(1, stream == null ? 0 : stream.priority());
    }

    private static void flags(Machine machine, Call call) {
        call.answer(1, machine.stream(call.word(0)).isBlocking() ? 0 : NON_BLOCKING);
    }

    private static void launchHostFunction(Machine machine, Call call) {
        CommandStream stream = machine.stream(call.word(0));
        MethodHandle function = hostFunction(call.memory(1, 0));
        MemorySegment data = MemorySegment.ofAddress(call.word(2));
        machine.issue(stream, Command.work("host function", List.of(), () -> {
            machine.runHostFunction(() -> invoke(function, data));
            return 0;
        }));
    }

    @SuppressWarnings("restricted") // the signature is the one that cuda.h gives host functions
    private static MethodHandle hostFunction(MemorySegment address) {
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.ofVoid(ADDRESS));
    }

    private static void invoke(MethodHandle function, MemorySegment data) {
        try {
            function.invokeExact(data);
        } catch (Throwable e) {
            throw new IllegalStateException("a host function could not be called", e);
        }
    }
}
