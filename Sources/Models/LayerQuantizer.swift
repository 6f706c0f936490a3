import Kernels

/// Packs an encoder's layers in eight bits, one after the other, while texts run through them.
///
/// A layer is packed in bfloat16 first and computes the texts' next states with it; what its linear
/// layers read decides how they are packed in eight bits, and whether. So only the layer in work is in
/// memory twice. The texts are fixed and no sum is split, so the same folder gives the same weights
/// with the same kernels, on any number of threads.
struct LayerQuantizer<Source: TensorSource> {
    /// Reads with the ranges that the workspace notes.
    let reader: WeightReader<Source>
    /// Has the tables but no layers, and computes in bfloat16.
    let encoder: Encoder
    /// Has taken in the texts.
    let workspace: Workspace

    /// - Throws: `ModelError` for a tensor that is missing or has another shape.
    func layers() throws(ModelError) -> [LayerWeights] {
        let configuration = encoder.configuration
        let count = configuration.layerCount
        var lastUse = [Int](repeating: 0, count: configuration.storedLayerCount)
        for index in 0..<count { lastUse[configuration.storedLayer(index)] = index }
        // Layers that are shared and still needed, in bfloat16.
        var open: [Int: LayerWeights] = [:]
        var packed: [Int: LayerWeights] = [:]
        var passing = reader
        passing.isLasting = false
        workspace.ranges = reader.ranges
        defer { workspace.ranges = nil }
        for index in 0..<count {
            let stored = configuration.storedLayer(index)
            let exact =
                if let layer = open[stored] { layer } else {
                    try passing.layer(stored, configuration, .bfloat16)
                }
            open[stored] = exact
            encoder.layer(index, weights: exact, workspace: workspace)
            guard lastUse[stored] == index else { continue }
            open[stored] = nil
            packed[stored] = try reader.layer(stored, configuration, .int8)
        }
        var layers: [LayerWeights] = []
        for stored in lastUse.indices {
            // A stored layer that none uses.
            if let layer = packed[stored] {
                layers.append(layer)
            } else {
                layers.append(try reader.layer(stored, configuration, .int8))
            }
        }
        return layers
    }
}
