package io.moetier;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// How a model is loaded. Each value has a default that suits most.
///
/// @param memoryBytes budget for experts in main memory; empty for what fits beside the rest
/// @param contextLength tokens that a conversation can hold; 0 for the model's maximum, at most 4096
/// @param threads that compute; 0 for one per physical core
/// @param policy the name of what chooses the experts that leave memory, such as `lru` or `gate`
/// @param cache the folder for models that are imported on first use; empty for `.cache/moetier` in the user's home
/// @param importListener is told how an import goes
public record ModelOptions(
        OptionalLong memoryBytes,
        int contextLength,
        int threads,
        String policy,
        Optional<Path> cache,
        ImportListener importListener) {
    /// What most would choose.
    public static final ModelOptions DEFAULT =
            new ModelOptions(OptionalLong.empty(), 0, 0, "lru", Optional.empty(), ImportListener.SILENT);

    /// Returns these options with another budget for experts in main memory.
    public ModelOptions withMemoryBytes(long bytes) {
        return new ModelOptions(OptionalLong.of(bytes), contextLength, threads, policy, cache, importListener);
    }

    /// Returns these options with another context.
    public ModelOptions withContextLength(int tokens) {
        return new ModelOptions(memoryBytes, tokens, threads, policy, cache, importListener);
    }

    /// Returns these options with another number of threads.
    public ModelOptions withThreads(int count) {
        return new ModelOptions(memoryBytes, contextLength, count, policy, cache, importListener);
    }

    /// Returns these options with another policy.
    public ModelOptions withPolicy(String name) {
        return new ModelOptions(memoryBytes, contextLength, threads, name, cache, importListener);
    }

    /// Returns these options with another folder for imported models.
    public ModelOptions withCache(Path folder) {
        return new ModelOptions(memoryBytes, contextLength, threads, policy, Optional.of(folder), importListener);
    }

    /// Returns these options with another listener.
    public ModelOptions withImportListener(ImportListener listener) {
        return new ModelOptions(memoryBytes, contextLength, threads, policy, cache, listener);
    }
}
