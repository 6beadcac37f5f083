extension TensorHistogram {
    /// A bar for each bin, as high as the largest allows; the least elements are seen, too.
    var markup: Markup {
        let most = counts.max() ?? 0
        guard most > 0 else { return "" }
        let height = 22
        var path = "M0 \(height)"
        var level = 0
        for count in counts {
            let next = count == 0 ? 0 : max(1, Int((Double(count) / Double(most) * Double(height)).rounded()))
            if next != level { path += "v\(level - next)" }
            path += "h2"
            level = next
        }
        if level > 0 { path += "v\(level)" }
        let peak = (counts.firstIndex(of: most) ?? 0) + 1
        return """
            <svg class="h" viewBox="0 0 \(counts.count * 2) \(height)" role="img" \
            aria-label="most elements in bin \(peak) of \(counts.count)"><path d="\(path)z"/></svg>
            """
    }
}
