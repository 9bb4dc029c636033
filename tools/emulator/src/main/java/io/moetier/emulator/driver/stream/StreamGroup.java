package io.moetier.emulator.driver.stream;

import io.moetier.emulator.memory.DeviceFault;
import io.moetier.emulator.memory.FaultKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;

/// The streams of one context, among them the null stream, which is always there.
public final class StreamGroup {
    private final int device;
    private final Faults faults;
    private final CommandStream nullStream;
    private final List<CommandStream> streams = new ArrayList<>();
    private int numbers;

    /// Learns what goes wrong in a command, after which no command of the context runs any more.
    public interface Faults {
        /// Takes note of a fault.
        void fault(String command, DeviceFault fault);

        /// Returns whether there has been one.
        boolean any();
    }

    StreamGroup(int device, Faults faults) {
        this.device = device;
        this.faults = faults;
        nullStream = new CommandStream(this, 0, true, 0);
    }

    public int device() {
        return device;
    }

    public CommandStream nullStream() {
        return nullStream;
    }

    /// Returns the streams that were made, without the null stream.
    List<CommandStream> streams() {
        return Collections.unmodifiableList(streams);
    }

    /// Returns the null stream and the others, in the order in which they were made.
    List<CommandStream> all() {
        List<CommandStream> all = new ArrayList<>(streams.size() + 1);
        all.add(nullStream);
        all.addAll(streams);
        return all;
    }

    CommandStream add(boolean blocking, double nanos) {
        CommandStream stream = new CommandStream(this, ++numbers, blocking, nanos);
        streams.add(stream);
        return stream;
    }

    void removeIf(Predicate<CommandStream> condition) {
        streams.removeIf(condition);
    }

    /// Runs a command, unless the context is broken. Either way, whoever waits for it may go on.
    void run(Command command) {
        if (!faults.any()) {
            try {
                command.run();
            } catch (DeviceFault e) {
                faults.fault(command.label(), e);
            } catch (RuntimeException e) { // an error of the emulation's own, which must not leave others waiting
                faults.fault(command.label(), new DeviceFault(FaultKind.LAUNCH_FAILED, e.toString()));
            }
        }
        command.reach();
    }
}
