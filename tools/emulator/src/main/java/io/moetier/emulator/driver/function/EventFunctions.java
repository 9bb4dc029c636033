package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.DriverEvent;
import io.moetier.emulator.driver.machine.Machine;
import io.moetier.emulator.driver.stream.Command;
import io.moetier.emulator.driver.stream.CommandStream;
import io.moetier.emulator.driver.stream.EventRecord;

/// Events.
final class EventFunctions {
    private static final int DISABLE_TIMING = 2;
    private static final int FLAGS = 7;
    private static final double NANOS_PER_MILLISECOND = 1e6;

    private EventFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuEventCreate", 2, CONTEXT, EventFunctions::create);
        table.add("cuEventDestroy_v2", 1, CONTEXT, EventFunctions::destroy);
        table.add("cuEventRecord", 2, CONTEXT, EventFunctions::record);
        table.add("cuEventRecordWithFlags", 3, CONTEXT, EventFunctions::record);
        table.add("cuEventQuery", 1, CONTEXT, EventFunctions::query);
        table.add("cuEventSynchronize", 1, CONTEXT, EventFunctions::synchronize);
        table.add("cuEventElapsedTime", 3, CONTEXT, EventFunctions::elapsed);
    }

    private static void create(Machine machine, Call call) {
        if ((call.number(1) & ~FLAGS) != 0) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "flags " + call.number(1));
        }
        boolean timing = (call.number(1) & DISABLE_TIMING) == 0;
        call.answer(0, machine.handles().add(new DriverEvent(machine.context(), timing)));
    }

    /// Who waits for it already goes on waiting.
    private static void destroy(Machine machine, Call call) {
        event(machine, call.word(0));
        machine.handles().remove(call.word(0));
    }

    private static void record(Machine machine, Call call) {
        DriverEvent event = event(machine, call.word(0));
        CommandStream stream = machine.stream(call.word(1));
        if (stream.group() != event.context().streams()) {
            throw DriverError.of(CudaStatus.INVALID_HANDLE, "event and stream belong to different contexts");
        }
        machine.issue(stream, Command.record(event.recordAgain()));
    }

    private static void query(Machine machine, Call call) {
        EventRecord latest = event(machine, call.word(0)).latest();
        if (latest != null && !machine.scheduler().isReached(latest)) {
            throw DriverError.of(CudaStatus.NOT_READY);
        }
        machine.context().check();
    }

    private static void synchronize(Machine machine, Call call) {
        EventRecord latest = event(machine, call.word(0)).latest();
        if (latest != null) {
            machine.scheduler().synchronize(latest);
        }
        machine.context().check();
    }

    private static void elapsed(Machine machine, Call call) {
        EventRecord begin = timed(machine, call.word(1));
        EventRecord end = timed(machine, call.word(2));
        if (!machine.scheduler().isReached(begin) || !machine.scheduler().isReached(end)) {
            throw DriverError.of(CudaStatus.NOT_READY);
        }
        call.answer(0, (float) ((end.nanos() - begin.nanos()) / NANOS_PER_MILLISECOND));
    }

    private static EventRecord timed(Machine machine, long handle) {
        DriverEvent event = event(machine, handle);
        EventRecord latest = event.latest();
        if (latest == null || !event.hasTiming()) {
            throw DriverError.of(
                    CudaStatus.INVALID_HANDLE,
                    latest == null ? "the event was never recorded" : "the event was made without timing");
        }
        return latest;
    }

    private static DriverEvent event(Machine machine, long handle) {
        return machine.handles().get(DriverEvent.class, handle);
    }
}
