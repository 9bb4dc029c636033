package io.moetier.runtime.library;

import java.nio.file.Path;

/// Where stores are kept that are made on first use.
///
/// @param path the folder; made when it is needed
/// @param elsewhere how its user names another one, as the end of a sentence: `MOETIER_CACHE names another directory`
public record CacheFolder(Path path, String elsewhere) {}
