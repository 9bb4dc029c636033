package io.moetier.runtime.session;

import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.MemoryPlan.Part;
import io.moetier.storage.memory.AvailableMemory;
import io.moetier.storage.memory.MemoryLimit;
import io.moetier.storage.memory.MemoryLimit.Kind;
import io.moetier.storage.memory.ProcessMemory;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// The main memory of this process as one sum: what is there, what will come, and a reserve stay below every limit, and
/// experts get the rest.
///
/// What is there is measured, and divided into what is known and what is not. What will come is known, except what the
/// JVM still takes, for which there is an allowance: code and classes, stacks, garbage in the heap.
final class MemoryBudget {
    private static final long MIB = 1 << 20;

    /// Measured: 5 to 30 MiB of code, metadata and stacks, and the young generation of a heap that hardly fills.
    private static final long JVM_GROWTH_BYTES = 48 * MIB;

    /// Measured: 30 MiB.
    private static final long MOST_LIBRARY_BYTES = 64 * MIB;

    /// Allocators of C reserve addresses for each thread.
    private static final long ADDRESS_GROWTH_BYTES = 256 * MIB;

    private static final long LEAST_RESERVE_BYTES = 32 * MIB;
    private static final int RESERVE_SHARE = 20; // of a limit that is this process's own
    private static final long LEAST_MACHINE_RESERVE_BYTES = 512 * MIB;
    private static final long SCARCE_MACHINE_BYTES = 128 * MIB; // of which most stay while a model runs
    private static final int MACHINE_RESERVE_SHARE = 10; // of what is available stays for everybody else
    private static final int LEAST_OF_RESERVE = 8; // tenths, below which experts give way
    private static final int MOST_OF_RESERVE = 12; // tenths, above which experts come back
    private static final int HARD_PART_OF_RESERVE = 2; // tenths, below which a text ends

    /// What this process holds, by a measurement.
    ///
    /// @param anonymousBytes pages that belong to no file
    /// @param libraryBytes pages of the JVM and of other libraries
    /// @param heapBytes what the Java heap has of the first
    /// @param heapMost what it may have
    record Held(long anonymousBytes, long libraryBytes, long heapBytes, long heapMost) {
        static Held now() {
            Runtime runtime = Runtime.getRuntime();
            return new Held(
                    ProcessMemory.now().anonymousBytes(), Libraries.BYTES, runtime.totalMemory(), runtime.maxMemory());
        }
    }

    /// Pages of libraries when somebody first asks, which is before files of models are mapped for long.
    private static final class Libraries {
        static final long BYTES = libraryBytes(ProcessMemory.now());
    }

    private MemoryBudget() {}

    /// Returns the limits that hold now, with the libraries that this process needs in memory: groups count them as
    /// page cache that goes where memory is needed, and who computes by what is no longer there waits for the disk.
    static List<MemoryLimit> limits() {
        return withLibraries(AvailableMemory.limits(), Libraries.BYTES);
    }

    static List<MemoryLimit> withLibraries(List<MemoryLimit> limits, long libraryBytes) {
        return limits.stream()
                .map(limit -> limit.kind() == Kind.GROUP ? limit.withUsed(limit.usedBytes() + libraryBytes) : limit)
                .toList();
    }

    /// Returns the pages of files, as far as they may be those of libraries: more is data that an application has
    /// mapped, which goes where memory is needed.
    static long libraryBytes(ProcessMemory memory) {
        return Math.min(MOST_LIBRARY_BYTES, memory.residentBytes() - memory.anonymousBytes());
    }

    /// Returns what leaves the least for experts.
    static MemoryPlan plan(MemoryNeeds needs) {
        return plans(needs, AvailableMemory.limits(), Held.now()).getFirst();
    }

    /// Checks that the least fits below every limit beyond which memory is refused or the process ended. What other
    /// models will take may be less in the end.
    ///
    /// @throws InvalidOptionException if it does not
    static void require(MemoryNeeds needs) {
        require(needs, AvailableMemory.limits(), Held.now());
    }

    static void require(MemoryNeeds needs, List<MemoryLimit> limits, Held held) {
        tooTight(needs, limits, held).ifPresent(plan -> {
            throw InvalidOptionException.tooLittle("ramBytes", plan.shortage(needs.leastExperts()), "contextLength");
        });
    }

    /// Says whether [#require] would be satisfied.
    static boolean fits(MemoryNeeds needs) {
        return fits(needs, AvailableMemory.limits(), Held.now());
    }

    static boolean fits(MemoryNeeds needs, List<MemoryLimit> limits, Held held) {
        return tooTight(needs, limits, held).isEmpty();
    }

    private static Optional<MemoryPlan> tooTight(MemoryNeeds needs, List<MemoryLimit> limits, Held held) {
        return plans(needs, limits, held).stream()
                .filter(plan -> plan.limit().kind() != Kind.MACHINE)
                .filter(plan -> plan.expertBytes() + needs.others() < needs.leastExperts())
                .findFirst();
    }

    /// Returns what each limit leaves, the least first.
    static List<MemoryPlan> plans(MemoryNeeds needs, List<MemoryLimit> limits, Held held) {
        return limits.stream()
                .map(limit -> MemoryPlan.of(limit, parts(limit, needs, held)))
                .sorted(Comparator.comparingLong(MemoryPlan::expertBytes))
                .toList();
    }

    private static List<Part> parts(MemoryLimit limit, MemoryNeeds needs, Held held) {
        long own = own(limit, held);
        long unknown = Math.max(0, own - needs.weightsThere());
        long heap = Math.min(unknown, held.heapBytes());
        return List.of(
                new Part("other weights", needs.weights()),
                new Part("keys and values", needs.keyValues()),
                new Part("workspace", countsPages(limit) ? needs.workspace() : 0), // the whole heap is reserved
                new Part("loaders", needs.loaders()),
                new Part("Java heap", heap + heapGrowth(limit, held)),
                new Part("JVM and libraries", unknown - heap + jvmGrowth(limit, held)),
                new Part("other models", needs.others()),
                new Part("other processes", Math.max(0, limit.usedBytes() - own)),
                new Part("reserve", reserve(limit)));
    }

    private static long own(MemoryLimit limit, Held held) {
        return switch (limit.kind()) {
            case MACHINE, GROUP -> held.anonymousBytes();
            case DATA, ADDRESSES -> limit.usedBytes();
        };
    }

    /// A heap that is refused memory which it may have ends the JVM.
    private static long heapGrowth(MemoryLimit limit, Held held) {
        return limit.kind() == Kind.DATA ? held.heapMost() - held.heapBytes() : 0;
    }

    /// The pages of libraries count as page cache, but are needed.
    private static long jvmGrowth(MemoryLimit limit, Held held) {
        return switch (limit.kind()) {
            case MACHINE, DATA -> JVM_GROWTH_BYTES;
            case GROUP -> JVM_GROWTH_BYTES + held.libraryBytes();
            case ADDRESSES -> ADDRESS_GROWTH_BYTES;
        };
    }

    /// Returns what stays free at first.
    private static long reserve(MemoryLimit limit) {
        return limit.kind() == Kind.MACHINE
                ? Math.max(LEAST_MACHINE_RESERVE_BYTES, limit.availableBytes() / MACHINE_RESERVE_SHARE)
                : Math.max(LEAST_RESERVE_BYTES, limit.bytes() / RESERVE_SHARE);
    }

    /// Returns how much has to be given back so that `toCome` more bytes and the reserve fit below all limits; 0 while
    /// most of the reserve is left.
    ///
    /// @param emptyBytes of memory that is reserved and was never touched: its pages are still to come
    /// @param pressed whether memory is hard to have: then all of the reserve is to be left, and more on a machine
    static long shortage(List<MemoryLimit> limits, long toCome, long emptyBytes, boolean pressed) {
        long most = 0;
        for (MemoryLimit limit : limits) {
            long wanted = wanted(limit, pressed);
            long left = limit.availableBytes() - toCome - pages(limit, emptyBytes);
            if (left < wanted / 10 * (pressed ? 10 : LEAST_OF_RESERVE)) {
                most = Math.max(most, wanted - left);
            }
        }
        return most;
    }

    /// Returns what a limit has not counted yet of memory that is reserved.
    private static long pages(MemoryLimit limit, long emptyBytes) {
        return countsPages(limit) ? emptyBytes : 0;
    }

    private static boolean countsPages(MemoryLimit limit) {
        return limit.kind() == Kind.MACHINE || limit.kind() == Kind.GROUP;
    }

    private static long wanted(MemoryLimit limit, boolean pressed) {
        if (limit.kind() == Kind.MACHINE) {
            return pressed ? LEAST_MACHINE_RESERVE_BYTES : SCARCE_MACHINE_BYTES;
        }
        return reserve(limit);
    }

    /// Says whether pages are not what is missing most, but what is reserved.
    static boolean ofAddresses(List<MemoryLimit> limits, long toCome, long emptyBytes, boolean pressed) {
        List<MemoryLimit> ofPages =
                limits.stream().filter(MemoryBudget::countsPages).toList();
        return shortage(limits, toCome, emptyBytes, pressed) > shortage(ofPages, toCome, emptyBytes, pressed);
    }

    /// Returns how much can be taken again so that more than the reserve is left, by a gap within which nothing is
    /// given or taken; below 0 if too little is left anyway.
    ///
    /// @param emptyBytes of memory that is reserved and was never touched: its pages are still to come
    /// @param pressed whether memory is hard to have: then twice as much is to be left
    static long room(List<MemoryLimit> limits, long emptyBytes, boolean pressed) {
        return limits.stream()
                .mapToLong(limit -> limit.availableBytes()
                        - pages(limit, emptyBytes)
                        - wanted(limit, true) / 10 * MOST_OF_RESERVE * (pressed ? 2 : 1))
                .min()
                .orElse(0);
    }

    /// Returns the limit that `toCome` more bytes would come too close to; that of the machine does not refuse them.
    static Optional<MemoryLimit> tightest(List<MemoryLimit> limits, long toCome) {
        return limits.stream()
                .filter(limit -> limit.kind() != Kind.MACHINE)
                .filter(limit -> limit.availableBytes() - toCome < hardPart(limit))
                .min(Comparator.comparingLong(MemoryLimit::availableBytes));
    }

    /// Returns limits as they will be once slots of `spareBytes` have been given back and the others filled.
    ///
    /// @param emptyBytes of all slots, whose pages are still to come
    static List<MemoryLimit> after(List<MemoryLimit> limits, long spareBytes, long emptyBytes) {
        return limits.stream()
                .map(limit -> limit.withUsed(limit.usedBytes() - spareBytes + pages(limit, emptyBytes)))
                .toList();
    }

    /// Returns what of a limit no text gets.
    static long hardPart(MemoryLimit limit) {
        return reserve(limit) / 10 * HARD_PART_OF_RESERVE;
    }
}
