package io.moetier.runtime.hub;

/// How files are downloaded.
///
/// @param connections how many parts come at once
/// @param chunkBytes what is noted as there, or asked for again
/// @param chunksPerRequest how many are asked for at once
/// @param secondsBetweenNotes how much time passes at least until what has come is made safe and noted
record PullSettings(int connections, int chunkBytes, int chunksPerRequest, int secondsBetweenNotes) {
    /// Eight connections fill a line of a gigabit where one, which a server throttles, does not; a request of 64 MiB
    /// takes seconds then, beside which the time until it is answered is short.
    static final PullSettings DEFAULT = new PullSettings(8, 4 << 20, 16, 1);
}
