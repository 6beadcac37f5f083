import Pictures

/// How pictures are fitted to the input, as each library says it. What is not understood is left to the defaults.
extension ModelDescription {
    /// timm's `pretrained_cfg`. Source: `timm/data/config.py`.
    mutating func readTimmResizing(_ file: ConfigurationFile) throws {
        var resizing = Resizing(cropRatio: 0.875)
        if let ratio = try file.number("crop_pct"), ratio > 0, ratio <= 1 { resizing.cropRatio = ratio }
        if let mode = try file.string("crop_mode").flatMap({ Resizing.Mode(rawValue: $0) }) {
            resizing.mode = mode
        }
        if let filter = try file.string("interpolation").flatMap({ Interpolation(rawValue: $0) }) {
            resizing.interpolation = filter
        }
        preprocessing?.resizing = resizing
    }

    /// `preprocessor_config.json`. Source: transformers, `image_processing_vit.py`, `image_processing_clip.py`.
    mutating func readTransformersResizing(_ file: ConfigurationFile) throws {
        // Pillow's numbers of its filters.
        let filters: [Int: Interpolation] = [1: .lanczos, 2: .bilinear, 3: .bicubic]
        var resizing = Resizing(cropRatio: 1, mode: .squash, interpolation: .bilinear)
        if let number = file.value("resample")?.integer, let filter = filters[number] {
            resizing.interpolation = filter
        }
        let shortest = file.value("size")?["shortest_edge"]?.integer ?? file.value("size")?.integer
        if let shortest, try file.bool("do_center_crop") ?? false {
            let crop = file.value("crop_size")
            let side = crop?["height"]?.integer ?? crop?.integer ?? shortest
            resizing.mode = .center
            resizing.cropRatio = shortest > 0 ? min(1, max(0.01, Double(side) / Double(shortest))) : 1
        }
        preprocessing?.resizing = resizing
    }

    /// `preprocess_cfg`. Source: mlfoundations/open_clip, `transform.py`.
    mutating func readOpenCLIPResizing(_ file: ConfigurationFile) throws {
        let modes: [String: Resizing.Mode] = ["shortest": .center, "longest": .border, "squash": .squash]
        var resizing = Resizing(cropRatio: 1)
        if let mode = try file.string("resize_mode").flatMap({ modes[$0] }) { resizing.mode = mode }
        if let filter = try file.string("interpolation").flatMap({ Interpolation(rawValue: $0) }) {
            resizing.interpolation = filter
        }
        preprocessing?.resizing = resizing
    }
}
