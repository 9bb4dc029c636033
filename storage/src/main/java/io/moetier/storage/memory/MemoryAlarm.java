package io.moetier.storage.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.moetier.storage.platform.CFunction;
import io.moetier.storage.platform.Platform;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// Is woken by the Linux kernel when memory is short, as far as this process may ask for that; who only polls hears
/// later.
///
/// Of version 2, and of the machine, by triggers of pressure stall information: tasks stood still for a tenth
/// of a second within two, which is the shortest that everybody may ask for. Of version 1 by an event when
/// reclaiming finds next to nothing, which is also the only sign that somebody has tried to lower the limit
/// below what is used: the kernel refuses that and changes nothing.
public final class MemoryAlarm implements AutoCloseable {
    private static final int O_RDONLY = 0;
    private static final int O_RDWR_NONBLOCK = 0x2 | 0x800;
    private static final int EFD_NONBLOCK = 0x800;
    private static final short POLLIN = 0x1;
    private static final short POLLPRI = 0x2;
    private static final short POLLERR = 0x8;
    private static final int POLL_BYTES = 8; // int fd, short events, short revents
    private static final String TRIGGER = "some 100000 2000000\0";
    private static final long PAUSE_NANOS = 20_000_000; // between two alarms

    private final Calls calls;
    private final Listener listener;
    private final int wake;
    private final List<Source> sources = new ArrayList<>();
    private boolean released;
    private final Thread thread =
            Thread.ofPlatform().daemon().name("moetier-memory-alarm").unstarted(this::watch);

    /// Is told, by a thread of its own.
    @FunctionalInterface
    public interface Listener {
        /// Memory is short.
        ///
        /// @param refused whether a limit may have been tried to lower in vain
        void onShortage(boolean refused);
    }

    /// A file that becomes ready.
    private record Source(int descriptor, short events) {
        boolean isOfVersion1() {
            return events == POLLIN;
        }
    }

    private MemoryAlarm(Calls calls, int wake, Listener listener) {
        this.calls = calls;
        this.wake = wake;
        this.listener = listener;
    }

    /// Starts to wait, if there is anything that the kernel tells this process of.
    public static Optional<MemoryAlarm> start(Listener listener) {
        return start(Path.of("/"), listener);
    }

    static Optional<MemoryAlarm> start(Path linux, Listener listener) {
        Optional<Calls> calls = Linked.CALLS;
        int wake = calls.isEmpty() ? -1 : calls.get().newEvent();
        if (wake < 0) {
            return Optional.empty();
        }
        MemoryAlarm alarm = new MemoryAlarm(calls.get(), wake, listener);
        alarm.addPressure(linux.resolve("proc/pressure/memory"));
        for (Map.Entry<Path, Boolean> group : ControlGroups.directories(linux).entrySet()) {
            if (group.getValue()) {
                alarm.addPressure(group.getKey().resolve("memory.pressure"));
            } else {
                alarm.addEvents(group.getKey());
            }
        }
        if (alarm.sources.isEmpty()) {
            alarm.release();
            return Optional.empty();
        }
        alarm.thread.start();
        return Optional.of(alarm);
    }

    private void addPressure(Path file) {
        int descriptor = calls.open(file, O_RDWR_NONBLOCK);
        if (descriptor >= 0 && calls.write(descriptor, TRIGGER.getBytes(StandardCharsets.US_ASCII))) {
            sources.add(new Source(descriptor, POLLPRI));
        } else if (descriptor >= 0) {
            calls.close(descriptor);
        }
    }

    /// Only who may change a group may ask for its events; those of groups below it are theirs. The file of the level
    /// can be read and not written.
    private void addEvents(Path group) {
        int event = calls.newEvent();
        int level = event < 0 ? -1 : calls.open(group.resolve("memory.pressure_level"), O_RDONLY);
        boolean asked =
                level >= 0 && ask(group.resolve("cgroup.event_control"), event + " " + level + " critical,local");
        if (level >= 0) {
            calls.close(level);
        }
        if (asked) {
            sources.add(new Source(event, POLLIN));
        } else if (event >= 0) {
            calls.close(event);
        }
    }

    private static boolean ask(Path control, String words) {
        try {
            Files.writeString(control, words, StandardOpenOption.WRITE);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private void watch() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment polled = arena.allocate((long) POLL_BYTES * (sources.size() + 1), Integer.BYTES);
            MemorySegment count = arena.allocate(JAVA_LONG);
            set(polled, 0, wake, POLLIN);
            for (int i = 0; i < sources.size(); i++) {
                set(polled, i + 1, sources.get(i).descriptor(), sources.get(i).events());
            }
            calls.poll(polled, sources.size() + 1);
            while (ready(polled, 0) == 0) {
                tell(polled, count);
                LockSupport.parkNanos(PAUSE_NANOS);
                calls.poll(polled, sources.size() + 1);
            }
        }
    }

    private void tell(MemorySegment polled, MemorySegment count) {
        boolean any = false;
        boolean refused = false;
        for (int i = 0; i < sources.size(); i++) {
            Source source = sources.get(i);
            short ready = ready(polled, i + 1);
            if ((ready & POLLERR) != 0) {
                set(polled, i + 1, -1, source.events()); // its group is gone
            } else if (ready != 0) {
                any = true;
                refused |= source.isOfVersion1();
                if (source.isOfVersion1()) {
                    calls.read(source.descriptor(), count);
                }
                set(polled, i + 1, source.descriptor(), source.events());
            }
        }
        if (any) {
            listener.onShortage(refused);
        }
    }

    private static void set(MemorySegment polled, int index, int descriptor, short events) {
        polled.set(JAVA_INT, (long) POLL_BYTES * index, descriptor);
        polled.set(JAVA_SHORT, (long) POLL_BYTES * index + 4, events);
        polled.set(JAVA_SHORT, (long) POLL_BYTES * index + 6, (short) 0);
    }

    private static short ready(MemorySegment polled, int index) {
        return polled.get(JAVA_SHORT, (long) POLL_BYTES * index + 6);
    }

    /// Not before the thread has ended, nor by it: a number that is free is soon that of another file.
    private void release() {
        released = true;
        sources.forEach(source -> calls.close(source.descriptor()));
        calls.close(wake);
    }

    /// Ends it; a listener that is being told is waited for.
    @Override
    public synchronized void close() {
        if (released) {
            return;
        }
        calls.write(wake, new byte[] {1, 0, 0, 0, 0, 0, 0, 0});
        Uninterrupted.join(thread);
        release();
    }

    /// Linked when they are needed.
    private static final class Linked {
        private static final Optional<Calls> CALLS = Calls.find();
    }

    /// What of C is called.
    private record Calls(
            MethodHandle open,
            MethodHandle read,
            MethodHandle write,
            MethodHandle close,
            MethodHandle poll,
            MethodHandle eventfd) {
        /// Returns nothing on systems whose flags are others than Linux's.
        static Optional<Calls> find() {
            if (!Platform.isLinux()) {
                return Optional.empty();
            }
            try {
                return Optional.of(new Calls(
                        CFunction.OPEN.find().orElseThrow(),
                        CFunction.READ.find().orElseThrow(),
                        CFunction.WRITE.find().orElseThrow(),
                        CFunction.CLOSE.find().orElseThrow(),
                        CFunction.POLL.find().orElseThrow(),
                        CFunction.EVENTFD.find().orElseThrow()));
            } catch (NoSuchElementException e) {
                return Optional.empty();
            }
        }

        int open(Path file, int flags) {
            try (Arena arena = Arena.ofConfined()) {
                return (int) open.invokeExact(arena.allocateFrom(file.toString()), flags);
            } catch (Throwable e) {
                throw new IllegalStateException("open could not be called", e);
            }
        }

        int newEvent() {
            try {
                return (int) eventfd.invokeExact(0, EFD_NONBLOCK);
            } catch (Throwable e) {
                throw new IllegalStateException("eventfd could not be called", e);
            }
        }

        boolean write(int descriptor, byte[] bytes) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment from = arena.allocate(bytes.length);
                MemorySegment.copy(bytes, 0, from, JAVA_BYTE, 0, bytes.length);
                return (long) write.invokeExact(descriptor, from, (long) bytes.length) == bytes.length;
            } catch (Throwable e) {
                throw new IllegalStateException("write could not be called", e);
            }
        }

        void read(int descriptor, MemorySegment to) {
            try {
                long _ = (long) read.invokeExact(descriptor, to, to.byteSize());
            } catch (Throwable e) {
                throw new IllegalStateException("read could not be called", e);
            }
        }

        void close(int descriptor) {
            try {
                int _ = (int) close.invokeExact(descriptor);
            } catch (Throwable e) {
                throw new IllegalStateException("close could not be called", e);
            }
        }

        /// Waits until one is ready, or a signal comes.
        void poll(MemorySegment polled, int n) {
            try {
                int _ = (int) poll.invokeExact(polled, (long) n, -1);
            } catch (Throwable e) {
                throw new IllegalStateException("poll could not be called", e);
            }
        }
    }
}
