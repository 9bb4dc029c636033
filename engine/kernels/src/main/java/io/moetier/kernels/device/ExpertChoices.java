package io.moetier.kernels.device;

/// The experts that a router chose for tokens, and the weights of what they give.
///
/// The host reads both from arrays. A device that chooses has them in memory of its own as well, from where
/// [Kernels#weightedSum(DeviceBuffer, ExpertChoices, int, int, int, DeviceBuffer)] takes the weights, unless the host
/// changes them.
public final class ExpertChoices {
    private static final int FLOATS = 2; // of a choice: its weight, and its id

    private final DeviceBuffer room;
    private final int[] ids;
    private final float[] weights;
    private boolean onDevice;

    /// Makes room for as many choices as fit in `room`, which is theirs from now on.
    ///
    /// @param room as long as [#floats] says
    public ExpertChoices(DeviceBuffer room) {
        this.room = room;
        ids = new int[room.length() / FLOATS];
        weights = new float[ids.length];
    }

    /// Returns the length of a buffer for so many choices.
    public static int floats(int choices) {
        return Math.multiplyExact(FLOATS, choices);
    }

    /// Returns the ids `[n, k]`. An id of -1, with weight 0, sends the token to no expert.
    public int[] ids() {
        return ids;
    }

    /// Returns the weights `[n, k]`.
    public float[] weights() {
        return weights;
    }

    /// Returns the memory of the device: the weights `[n, k]`, and behind them the ids, if the device has chosen.
    public DeviceBuffer room() {
        return room;
    }

    /// Says whether the weights are those in the device's memory.
    public boolean isOnDevice() {
        return onDevice;
    }

    /// Notes that a device has chosen.
    public void chosenOnDevice() {
        onDevice = true;
    }

    /// Notes that the host has chosen, or changed what a device chose.
    public void chosenOnHost() {
        onDevice = false;
    }
}
