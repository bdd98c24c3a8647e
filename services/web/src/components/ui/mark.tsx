/** The house over water. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <path d="M5 15.2 16 5.5l11 9.7" stroke="#e0bb67" strokeWidth="2.6" strokeLinecap="round" strokeLinejoin="round" />
      <path d="M9.2 14.6v5.2M22.8 14.6v5.2" stroke="#e0bb67" strokeWidth="2.6" strokeLinecap="round" />
      <path
        d="M4 23.4c2 0 2 1.6 4 1.6s2-1.6 4-1.6 2 1.6 4 1.6 2-1.6 4-1.6 2 1.6 4 1.6 2-1.6 4-1.6"
        stroke="#7cc0e0"
        strokeWidth="2.4"
        strokeLinecap="round"
      />
      <circle cx="16" cy="16.6" r="2.1" fill="#e0bb67" />
    </svg>
  );
}
