package io.moetier.emulator.driver.function;

import static io.moetier.emulator.driver.machine.Precondition.CONTEXT;
import static io.moetier.emulator.driver.machine.Precondition.DRIVER;

import io.moetier.emulator.driver.fault.CudaStatus;
import io.moetier.emulator.driver.fault.DriverError;
import io.moetier.emulator.driver.machine.Call;
import io.moetier.emulator.driver.machine.EmulatedContext;
import io.moetier.emulator.driver.machine.EmulatedDevice;
import io.moetier.emulator.driver.machine.Machine;
import java.util.ArrayDeque;

/// Contexts, and which one is current on a thread.
final class ContextFunctions {
    private static final int LEAST_PRIORITY = 0;
    private static final int GREATEST_PRIORITY = -5;
    private static final int LIMITS = 10;
    private static final int API_VERSION = 3020; // what contexts of the driver API have answered since CUDA 3.2

    private ContextFunctions() {}

    static void addTo(FunctionTable table) {
        table.add("cuDevicePrimaryCtxRetain", 2, DRIVER, ContextFunctions::retain);
        table.add("cuDevicePrimaryCtxRelease_v2", 1, DRIVER, ContextFunctions::release);
        table.add("cuDevicePrimaryCtxReset_v2", 1, DRIVER, ContextFunctions::reset);
        table.add("cuDevicePrimaryCtxSetFlags_v2", 2, DRIVER, (machine, call) -> machine.device(call.number(0)));
        table.add("cuDevicePrimaryCtxGetState", 3, DRIVER, ContextFunctions::state);
        table.add("cuCtxCreate_v2", 3, DRIVER, ContextFunctions::create);
        table.add("cuCtxDestroy_v2", 1, DRIVER, (machine, call) -> machine.destroy(context(machine, call.word(0))));
        table.add(
                "cuCtxPushCurrent_v2",
                1,
                DRIVER,
                (machine, call) -> machine.contexts().push(context(machine, call.word(0))));
        table.add("cuCtxPopCurrent_v2", 1, DRIVER, ContextFunctions::pop);
        table.add("cuCtxSetCurrent", 1, DRIVER, ContextFunctions::setCurrent);
        table.add("cuCtxGetCurrent", 1, DRIVER, ContextFunctions::getCurrent);
        table.add("cuCtxGetDevice", 1, DRIVER, ContextFunctions::device);
        table.add("cuCtxSynchronize", 0, CONTEXT, (machine, _) -> machine.synchronize(machine.context()));
        table.add("cuCtxGetStreamPriorityRange", 2, CONTEXT, ContextFunctions::priorities);
        table.add("cuCtxGetApiVersion", 2, DRIVER, (_, call) -> call.answer(1, API_VERSION));
        table.add("cuCtxSetLimit", 2, CONTEXT, ContextFunctions::setLimit);
        table.add("cuCtxGetLimit", 2, CONTEXT, ContextFunctions::getLimit);
        table.add("cuCtxSetCacheConfig", 1, CONTEXT, (_, _) -> {}); // a hint
    }

    private static EmulatedContext context(Machine machine, long handle) {
        EmulatedContext context = machine.handles().find(EmulatedContext.class, handle);
        if (context == null) {
            throw DriverError.of(CudaStatus.INVALID_CONTEXT, "0x" + Long.toHexString(handle) + " is no context now");
        }
        return context;
    }

    private static void retain(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(1));
        EmulatedContext primary = device.primary();
        if (primary == null) {
            primary = machine.createContext(device);
            device.setPrimary(primary);
        }
        primary.retain();
        call.answer(0, machine.handles().of(primary));
    }

    private static void release(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(0));
        EmulatedContext primary = device.primary();
        if (primary == null) {
            throw DriverError.of(CudaStatus.INVALID_CONTEXT, "the primary context is not retained");
        }
        if (primary.release()) {
            reset(machine, call);
        }
    }

    private static void reset(Machine machine, Call call) {
        EmulatedDevice device = machine.device(call.number(0));
        EmulatedContext primary = device.primary();
        if (primary != null) {
            device.setPrimary(null);
            machine.destroy(primary);
        }
    }

    private static void state(Machine machine, Call call) {
        call.answer(1, 0);
        call.answer(2, machine.device(call.number(0)).primary() == null ? 0 : 1);
    }

    private static void create(Machine machine, Call call) {
        EmulatedContext context = machine.createContext(machine.device(call.number(2)));
        machine.contexts().push(context);
        call.answer(0, machine.handles().of(context));
    }

    private static void pop(Machine machine, Call call) {
        ArrayDeque<EmulatedContext> contexts = machine.contexts();
        if (contexts.isEmpty()) {
            throw DriverError.of(CudaStatus.INVALID_CONTEXT, "no context is current on this thread");
        }
        call.answerIfWanted(0, handle(machine, contexts.pop()));
    }

    private static void setCurrent(Machine machine, Call call) {
        ArrayDeque<EmulatedContext> contexts = machine.contexts();
        EmulatedContext next = call.isNull(0) ? null : context(machine, call.word(0));
        contexts.poll();
        if (next != null) {
            contexts.push(next);
        }
    }

    private static void getCurrent(Machine machine, Call call) {
        EmulatedContext context = machine.contexts().peek();
        call.answer(0, context == null ? 0 : handle(machine, context));
    }

    /// A context that was destroyed while it was current has no handle any more.
    private static long handle(Machine machine, EmulatedContext context) {
        return machine.handles().holds(context) ? machine.handles().of(context) : 0;
    }

    private static void device(Machine machine, Call call) {
        call.answer(0, machine.context().device().ordinal());
    }

    private static void priorities(Machine machine, Call call) {
        if (!call.isNull(0)) {
            call.answer(0, LEAST_PRIORITY);
        }
        if (!call.isNull(1)) {
            call.answer(1, GREATEST_PRIORITY);
        }
    }

    private static void setLimit(Machine machine, Call call) {
        machine.context().limits().put(limit(call.number(0)), call.word(1));
    }

    private static void getLimit(Machine machine, Call call) {
        long usualStack = 1024;
        int limit = limit(call.number(1));
        call.answer(0, (long) machine.context().limits().getOrDefault(limit, limit == 0 ? usualStack : 0L));
    }

    private static int limit(int number) {
        if (number < 0 || number >= LIMITS) {
            throw DriverError.of(CudaStatus.INVALID_VALUE, "limit " + number);
        }
        return number;
    }
}
