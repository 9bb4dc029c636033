package io.moetier.runtime.library;

import io.moetier.runtime.hub.HubCache;
import java.nio.file.Path;
import java.util.List;

/// Where models are that have a name: what the hub's tools have downloaded, and what other programs have.
///
/// @param hub what is downloaded goes there
/// @param lmStudio folders of LM Studio's, in the order in which they are asked
/// @param ollama folders of Ollama's, in the order in which they are asked
public record ModelPlaces(HubCache hub, List<Path> lmStudio, List<Path> ollama) {
    public ModelPlaces {
        lmStudio = List.copyOf(lmStudio);
        ollama = List.copyOf(ollama);
    }

    OllamaModels ofOllama() {
        return new OllamaModels(ollama);
    }

    LmStudioModels ofLmStudio() {
        return new LmStudioModels(lmStudio);
    }
}
