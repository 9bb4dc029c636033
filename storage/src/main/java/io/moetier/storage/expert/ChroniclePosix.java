package io.moetier.storage.expert;

import net.openhft.posix.internal.PosixAPIHolder;
import net.openhft.posix.internal.noop.NoOpPosixAPI;

/// Gives Chronicle real `fallocate` and `msync` without its native dependencies.
///
/// Chronicle's own provider is left out of our dependencies, and its stand-in silently reserves nothing: the file would
/// be sparse, and a full disk would show up as a fault in the middle of a copy.
final class ChroniclePosix extends NoOpPosixAPI {
    private final PosixCalls calls;

    private ChroniclePosix(PosixCalls calls) {
        super("java.lang.foreign");
        this.calls = calls;
    }

    /// Must run before the first Chronicle class looks for a provider, and before anything is written.
    static void install(PosixCalls calls) {
        PosixAPIHolder.POSIX_API = new ChroniclePosix(calls);
        ChronicleHook.register();
    }

    @Override
    public int fallocate(int fileDescriptor, int mode, long offset, long bytes) {
        return calls.allocate(fileDescriptor, offset, bytes);
    }

    @Override
    public int msync(long address, long bytes, int mode) {
        return calls.sync(address, bytes, mode);
    }
}
