package io.moetier.runtime.offload;

import io.moetier.kernels.device.Device;
import io.moetier.kernels.device.DeviceEvent;
import io.moetier.kernels.device.DeviceStream;
import io.moetier.kernels.device.Owned;
import io.moetier.runtime.metrics.Counters;
import io.moetier.storage.model.Tier;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// What a device's tier gets its experts from: the [PinnedTier], by copies on streams of their own.
///
/// Of the experts that the pinned tier has, those that this device is to hold. Decisions of the routers are not passed
/// on: a device hears of its own experts only, and the pinned tier is told of all of them by [ExpertTiers].
///
/// Lifetime: owns its streams; closed before the pinned tier. Concurrency: any thread may read.
public final class DeviceCopies implements ExpertSource, AutoCloseable {
    private final PinnedTier pinned;
    private final int[] ids;
    private final MissCosts costs;
    private final Counters counters;
    private final Owned owned;
    private final Deque<DeviceStream> idleStreams = new ArrayDeque<>(); // guarded by itself
    private volatile @Nullable RuntimeException lost; // why copies cannot be relied on any more

    private DeviceCopies(
            PinnedTier pinned, Device device, int[] ids, int copies, MissCosts costs, Counters counters, Owned owned) {
        this.pinned = pinned;
        this.ids = ids.clone();
        this.costs = costs;
        this.counters = counters;
        this.owned = owned;
        for (int i = 0; i < copies; i++) {
            DeviceStream stream = device.newStream();
            owned.add(stream::close);
            idleStreams.add(stream);
        }
    }

    /// Opens copies to a device.
    ///
    /// @param ids the experts that the device is to hold
    /// @param copies how many may be under way at a time
    /// @param costs is told how long copies take
    public static DeviceCopies open(
            PinnedTier pinned, Device device, int[] ids, int copies, MissCosts costs, Counters counters) {
        Owned owned = new Owned();
        try {
            return new DeviceCopies(pinned, device, ids, copies, costs, counters, owned);
        } catch (RuntimeException | Error e) {
            try (owned) {
                throw e;
            }
        }
    }

    @Override
    public int[] ids() {
        return ids.clone();
    }

    @Override
    public int numSizeClasses() {
        return pinned.source().numSizeClasses();
    }

    @Override
    public int sizeClassOf(int id) {
        return pinned.source().sizeClassOf(id);
    }

    @Override
    public long slotBytes(int sizeClass) {
        return pinned.source().slotBytes(sizeClass);
    }

    @Override
    public boolean hasRoomFor(int id) {
        return pinned.hasRoomFor(id);
    }

    /// @throws IllegalStateException if an earlier copy failed and nobody knows whether it still goes on
    @Override
    public Tier read(int id, MemorySegment dst, DeviceEvent free) {
        Tier found = pinned.pin(id);
        try {
            long start = System.nanoTime();
            copy(pinned.block(id), dst, free);
            counters.activity().onCopy(id, dst.byteSize(), start, System.nanoTime());
        } finally {
            pinned.unpin(id);
        }
        return found;
    }

    private void copy(MemorySegment from, MemorySegment to, DeviceEvent free) {
        DeviceStream stream = takeStream();
        double start = costs.nanos();
        try {
            stream.await(free);
            stream.copy(from, to);
            stream.synchronize();
            costs.copied(to.byteSize(), start);
        } catch (RuntimeException e) {
            end(stream, e);
            throw e;
        } finally {
            giveBack(stream);
        }
    }

    /// A copy that failed must not go on when other experts get its slots.
    private void end(DeviceStream stream, RuntimeException failure) {
        try {
            stream.synchronize();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
            lost = failure;
        }
    }

    /// There are as many streams as loaders, but others may read as well.
    private DeviceStream takeStream() {
        synchronized (idleStreams) {
            boolean interrupted = false;
            while (idleStreams.isEmpty()) {
                try {
                    idleStreams.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            RuntimeException failure = lost;
            if (failure != null) {
                throw new IllegalStateException(
                        "no expert can be copied to the device: an earlier copy failed", failure);
            }
            return idleStreams.removeFirst();
        }
    }

    private void giveBack(DeviceStream stream) {
        synchronized (idleStreams) {
            idleStreams.addFirst(stream);
            idleStreams.notifyAll();
        }
    }

    /// To be called when nobody reads any more.
    @Override
    public void close() {
        owned.close();
    }
}
